//go:build !linux

package demo

import "syscall"

// childAttributes has nothing to set here: demo stops its nodes when it ends.
func childAttributes() *syscall.SysProcAttr { return nil }
