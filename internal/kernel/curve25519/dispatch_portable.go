//go:build !amd64 || purego

package curve25519

func accelerated() bool { return false }

func mulBlock(dst, src []U, k *[32]byte) (firstZero int) { return mulBlockPortable(dst, src, k) }

func mapBlock(dst []U, item [][32]byte, x *xmd) { mapBlockPortable(dst, item, x) }

func mapMulBlock(dst []U, item [][32]byte, x *xmd, k *[32]byte) { mapMulBlockPortable(dst, item, x, k) }

func onCurveBlock(src []U) (bad int) { return onCurvePortable(src) }
