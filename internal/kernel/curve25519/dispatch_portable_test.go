//go:build !amd64 || purego

package curve25519

func vectorKernels() []kernel { return nil }
