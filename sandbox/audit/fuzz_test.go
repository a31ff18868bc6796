package audit

import (
	"bytes"
	"testing"
)

func FuzzParseLeaf(f *testing.F) {
	f.Add(mustEncode(f, goldenLeaf()))
	f.Add(mustEncode(f, leafN(0)))
	f.Add([]byte(`{"a":[1,{"b":"\u0000\n"}],"v":1}`))
	f.Add([]byte(`{"a":1.5}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseObject(b); err == nil {
			if again, err := appendValue(nil, m, 1); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%q is accepted but canonical is %q (%v)", b, again, err)
			}
		}
		l, err := ParseLeaf(b)
		if err != nil {
			return
		}
		if again, err := l.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q becomes %q (%v)", b, again, err)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	m := logOf(f, 5)
	_, signed := checkpointOf(f, m)
	_, vkey := testKey(f, 1)
	r, err := NewReceipt(m, 3, signed)
	if err != nil {
		f.Fatal(err)
	}
	good := r.Marshal()
	f.Add(good)
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra e30=\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReceipt(b)
		if err != nil {
			return
		}
		if again := r.Marshal(); !bytes.Equal(again, b) {
			t.Fatalf("%q becomes %q", b, again)
		}
		if _, _, err := r.Verify(vkey); err == nil && !bytes.Equal(r.Leaf, m.leaves[r.Index]) {
			t.Fatalf("proved a leaf that is not in the log: %q", b)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	want, signed := checkpointOf(f, logOf(f, 5))
	_, vkey := testKey(f, 1)
	f.Add(signed)
	f.Add([]byte(want.Text()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := unverified(b); err == nil {
			if again, err := parseText(c.Text()); err != nil || again != c {
				t.Fatalf("%+v becomes %+v (%v)", c, again, err)
			}
		}
		if c, err := OpenCheckpoint(vkey, b); err == nil && c != want {
			t.Fatalf("opened %+v, signed was %+v", c, want)
		}
	})
}
