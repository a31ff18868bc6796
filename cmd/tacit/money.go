package main

import (
	"strconv"
	"strings"
)

const maxPriceDigits = 18 // whole and decimal places together: below 2^62 minor units

// places is the number of decimal places of a currency's minor unit (ISO 4217); two unless listed.
func places(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// parsePrice reads an exact decimal such as "120.00" into minor units of currency.
func parsePrice(s, currency string) (int64, error) {
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return 0, usagef("--currency is three capital letters, such as CNY")
	}
	whole, frac, dotted := strings.Cut(s, ".")
	n := places(currency)
	if whole == "" || (dotted && frac == "") || !allDigits(whole) || !allDigits(frac) {
		return 0, usagef("--price is a decimal such as 120.00")
	}
	if len(frac) > n {
		return 0, usagef("--price has %d decimal places, %s has %d", len(frac), currency, n)
	}
	digits := strings.TrimLeft(whole+frac+strings.Repeat("0", n-len(frac)), "0")
	if len(digits) > maxPriceDigits {
		return 0, usagef("--price is too large")
	}
	if digits == "" {
		return 0, nil
	}
	minor, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, usagef("--price is a decimal such as 120.00")
	}
	return minor, nil
}

func allDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// formatPrice writes minor units with their currency, "120.00 CNY".
func formatPrice(minor int64, currency string) string {
	sign := ""
	digits := strconv.FormatInt(minor, 10)
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if n := places(currency); n > 0 {
		if pad := n + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		digits = digits[:len(digits)-n] + "." + digits[len(digits)-n:]
	}
	return strings.TrimSpace(sign + digits + " " + currency)
}
