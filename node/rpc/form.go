package rpc

import (
	"bytes"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/sandbox/right"
)

// maxFormBytes bounds a grant file: 4096 columns with their uses fit.
const maxFormBytes = 1 << 20

// AgreementForm is an agreement as people write it. Agreement turns it into the record that is offered.
type AgreementForm struct {
	Parties    []string
	Assets     []string // "owner:name@version"
	Purpose    string
	Currency   string
	PriceMinor int64 // per run, in minor units
	Payer      string
	Shares     []ShareForm
	Expires    string // see ParseInstant
}

// ShareForm gives a party its weight in the price.
type ShareForm struct {
	Party  string
	Weight int64
}

// Agreement checks the form. The node checks the rest.
//
// Errors: fault.Invalid, fault.LimitExceeded.
func (f AgreementForm) Agreement(now time.Time) (right.Agreement, error) {
	expires, err := ParseInstant(f.Expires, now)
	if err != nil {
		return right.Agreement{}, err
	}
	if err := checkParties(append(append([]string{f.Payer}, f.Parties...), eachShare(f.Shares)...)); err != nil {
		return right.Agreement{}, err
	}
	return decodeOffer(&pb.OfferAgreementRequest{
		Parties: f.Parties, Assets: f.Assets, Purpose: f.Purpose, Currency: f.Currency, PriceMinor: f.PriceMinor, Payer: f.Payer,
		Shares:     each(f.Shares, func(s ShareForm) *pb.Share { return &pb.Share{Party: s.Party, Weight: s.Weight} }),
		NotAfterMs: expires.UnixMilli(),
	})
}

func eachShare(in []ShareForm) []string {
	return each(in, func(s ShareForm) string { return s.Party })
}

// GrantForm is a grant as people write it, in flags or in a YAML file. Grant turns it into the record that is asked for.
type GrantForm struct {
	Asset     string              `yaml:"asset"` // name@version, of this node
	Grantees  []string            `yaml:"grantees"`
	Purpose   string              `yaml:"purpose"`
	Columns   map[string][]string `yaml:"columns"` // column to uses: key, feature, label, group, aggregate, filter
	Actions   []string            `yaml:"actions"` // align, train, predict, aggregate, evaluate, export
	Outputs   []OutputForm        `yaml:"outputs"`
	Uses      int64               `yaml:"uses"`      // runs
	Rows      int64               `yaml:"rows"`      // of one run; 0 for no bound
	Epsilon   string              `yaml:"epsilon"`   // decimal; empty permits exact outputs only
	Expires   string              `yaml:"expires"`   // see ParseInstant
	Agreement string              `yaml:"agreement"` // sha256:…; empty for none
	Trust     []string            `yaml:"trust"`     // trust models; empty for 2pc-semihonest
	Leaks     []string            `yaml:"leaks"`     // accepted kinds of leakage; empty for what actions and outputs imply
}

// OutputForm is one rule of a grant: what may leave, to whom, over how many rows at least, and whether only noised.
type OutputForm struct {
	Kind    string   `yaml:"kind"` // statistic, model, score, aggregate, rows
	To      []string `yaml:"to"`
	MinRows int64    `yaml:"min_rows"` // 0 for 1
	Noised  bool     `yaml:"noised"`
}

// ReadGrant reads a grant file: one YAML document, no field unknown.
//
// Errors: fault.Invalid (malformed, unknown field), fault.LimitExceeded (more than 1 MiB).
func ReadGrant(b []byte) (GrantForm, error) {
	const op = "rpc.ReadGrant"
	if len(b) > maxFormBytes {
		return GrantForm{}, fault.New(fault.LimitExceeded, op, "a grant file of %d bytes, at most %d", len(b), maxFormBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	var f GrantForm
	if err := d.Decode(&f); err != nil {
		return GrantForm{}, fault.Wrap(fault.Invalid, op, err, "not a grant file; it has asset, grantees, purpose, columns, actions, outputs, uses, rows, epsilon, expires, agreement")
	}
	if d.Decode(new(yaml.Node)) == nil {
		return GrantForm{}, fault.New(fault.Invalid, op, "a grant file holds one document")
	}
	return f, nil
}

// Grant checks the form. The node adds id and owner and checks the rest; trust model and accepted leakage follow from
// what is granted.
//
// Errors: fault.Invalid, fault.LimitExceeded.
func (f GrantForm) Grant(now time.Time) (right.Grant, error) {
	expires, err := ParseInstant(f.Expires, now)
	if err != nil {
		return right.Grant{}, err
	}
	m := &pb.CreateGrantRequest{
		Asset: f.Asset, Grantees: f.Grantees, Purpose: f.Purpose, Actions: f.Actions, Uses: f.Uses, Rows: f.Rows,
		Epsilon: f.Epsilon, NotAfterMs: expires.UnixMilli(), Agreement: f.Agreement, TrustModels: f.Trust, Leaks: f.Leaks,
	}
	names := f.Grantees
	for name, uses := range f.Columns {
		m.Columns = append(m.Columns, &pb.ColumnUse{Column: name, Uses: uses})
	}
	for _, o := range f.Outputs {
		m.Outputs = append(m.Outputs, &pb.OutputRule{Kind: o.Kind, Recipients: o.To, MinRows: o.MinRows, Noised: o.Noised})
		names = append(names[:len(names):len(names)], o.To...)
	}
	if err := checkParties(names); err != nil {
		return right.Grant{}, err
	}
	return decodeNewGrant(m)
}

func checkParties(names []string) error {
	for _, name := range names {
		if _, err := party.Parse(name); err != nil {
			return err
		}
	}
	return nil
}

// ParseInstant reads a point in time: RFC 3339, a date (its last second, UTC), or a span from now such as 90d or 12h.
//
// Errors: fault.Invalid for another form, or a point that is not after now.
func ParseInstant(s string, now time.Time) (time.Time, error) {
	const op = "rpc.ParseInstant"
	t, ok := instant(s, now)
	switch {
	case !ok:
		return time.Time{}, fault.New(fault.Invalid, op, "a time is 2026-12-31, 2026-12-31T12:00:00Z, 90d or 12h")
	case !t.After(now):
		return time.Time{}, fault.New(fault.Invalid, op, "the time has already passed")
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

func instant(s string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Second), true
	}
	if n := len(s); n > 1 && n <= 6 && s[n-1] == 'd' {
		days := 0
		for _, c := range []byte(s[:n-1]) {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			days = 10*days + int(c-'0')
		}
		return now.AddDate(0, 0, days), true
	}
	d, err := time.ParseDuration(s)
	return now.Add(d), err == nil
}

// FormatOfFile is the format a spec's file name says: JSON for .json, else YAML.
func FormatOfFile(name string) job.Format {
	if len(name) > 5 && name[len(name)-5:] == ".json" {
		return job.JSON
	}
	return job.YAML
}
