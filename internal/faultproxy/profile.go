package faultproxy

import (
	"time"

	"github.com/tacit-data/tacit/api/fault"
)

// Profile is a network between two parties. The zero value is loopback as it is.
type Profile struct {
	Name          string
	BitsPerSecond int64         // of each direction, all connections together; 0: unlimited
	RoundTrip     time.Duration // half of it in each direction
}

// Profiles returns the networks that measurements name, fastest first.
func Profiles() []Profile {
	const mega = 1_000_000
	return []Profile{
		{Name: "none"},
		{"lan", 1000 * mega, 200 * time.Microsecond},
		{"wan-20ms", 1000 * mega, 20 * time.Millisecond},
		{"wan-100ms", 1000 * mega, 100 * time.Millisecond},
		{"metro", 100 * mega, 10 * time.Millisecond},
		{"sf", 100 * mega, 50 * time.Millisecond}, // the setting of SecretFlow's published figures
		{"slow", 2 * mega, 50 * time.Millisecond},
	}
}

// Named returns the profile of that name.
//
// Errors: fault.Invalid.
func Named(name string) (Profile, error) {
	names := ""
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
		names += " " + p.Name
	}
	return Profile{}, fault.New(fault.Invalid, "faultproxy.Named", "no such network; there are%s", names)
}

// transmit is how long n bytes occupy the line.
func (p Profile) transmit(n int) time.Duration {
	if p.BitsPerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(n) * 8 / float64(p.BitsPerSecond) * float64(time.Second))
}

// queueBytes is what one direction of the line holds: what is on its way, and a router's buffer of the same size.
func (p Profile) queueBytes() int {
	const least = 256 << 10
	onTheWay := float64(p.BitsPerSecond) / 8 * (p.RoundTrip / 2).Seconds()
	return least + 2*int(onTheWay)
}
