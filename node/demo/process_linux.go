package demo

import "syscall"

// childAttributes makes the kernel end the nodes when demo dies, however it dies.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
