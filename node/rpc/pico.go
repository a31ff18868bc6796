package rpc

import (
	"strconv"
	"strings"
)

// picoPlaces is the number of decimal places of a pico: 1e-12.
const picoPlaces = 12

// FormatPico writes v units of 1e-12 as the shortest exact decimal: 500000000000 is "0.5". v ≥ 0.
func FormatPico(v int64) string {
	digits := strconv.FormatInt(v, 10)
	if pad := picoPlaces + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, frac := digits[:len(digits)-picoPlaces], strings.TrimRight(digits[len(digits)-picoPlaces:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
