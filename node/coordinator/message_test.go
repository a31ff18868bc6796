package coordinator

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/party"
)

// samples are one payload of each kind, with a decoder that encodes what it read.
func samples() map[string]struct {
	payload []byte
	again   func([]byte) ([]byte, error)
} {
	signed := append(Approval{
		Job: "j", Spec: [32]byte{1}, Plan: [32]byte{2}, Party: "bank", Decision: [32]byte{3}, NotAfter: 4, Approver: "policy",
		Holds: [][]byte{{5}, {}},
	}.Statement(), bytes.Repeat([]byte{9}, SignatureBytes)...)
	message := Message{From: "bank", To: "hub", Seq: 7, Kind: MsgVote, Job: "j", Head: Head{Size: 3, Root: [32]byte{1}}, Payload: []byte("p")}
	return map[string]struct {
		payload []byte
		again   func([]byte) ([]byte, error)
	}{
		"ask": {Ask{Submitter: "bank", RequestID: "r", Spec: []byte("{}"), Expires: 9, PlanOnly: true}.Encode(), func(b []byte) ([]byte, error) {
			v, err := DecodeAsk(b)
			return v.Encode(), err
		}},
		"described": {Described{Resources: [][]byte{{1}, {2, 3}}}.Encode(), func(b []byte) ([]byte, error) {
			v, err := DecodeDescribed(b)
			return v.Encode(), err
		}},
		"planned": {PlanSections{Digest: [32]byte{4}, Sections: [][]byte{{1}}}.Encode(), func(b []byte) ([]byte, error) {
			v, err := DecodePlanSections(b)
			return v.Encode(), err
		}},
		"approved": {signed, func(b []byte) ([]byte, error) {
			v, sig, err := DecodeApproval(b)
			return append(v.Statement(), sig...), err
		}},
		"stopped": {Stopped{Code: fault.Denied, Step: "s", Rule: "r", Culprit: "bank", Reason: "no"}.Encode(), func(b []byte) ([]byte, error) {
			v, err := DecodeStopped(b)
			return v.Encode(), err
		}},
		"receipts": {Receipts{Ended: Failed, List: [][]byte{{1}}}.Encode(), func(b []byte) ([]byte, error) {
			v, err := DecodeReceipts(b)
			return v.Encode(), err
		}},
		"message": {message.encode(), func(b []byte) ([]byte, error) {
			v, err := decodeMessage(b)
			return v.encode(), err
		}},
	}
}

func TestPayloadsRoundTrip(t *testing.T) {
	for name, s := range samples() {
		got, err := s.again(s.payload)
		if err != nil || !bytes.Equal(got, s.payload) {
			t.Errorf("%s: %v", name, err)
		}
		for n := range s.payload {
			if _, err := s.again(s.payload[:n]); fault.CodeOf(err) != fault.Misbehaved || err == nil {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if _, err := s.again(append(bytes.Clone(s.payload), 0)); fault.CodeOf(err) != fault.Misbehaved || err == nil {
			t.Errorf("%s with a byte more: %v", name, err)
		}
	}
	if m, err := decodeMessage(samples()["message"].payload); err != nil || m.Seq != 7 || m.Head.Size != 3 || string(m.Payload) != "p" {
		t.Errorf("%+v %v", m, err)
	}
	a := Ask{Submitter: "bank", RequestID: "r", Spec: []byte("{}"), Expires: 9, PlanOnly: true}
	if got, err := DecodeAsk(a.Encode()); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestPayloadBounds(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	list := func(n, bytes int) [][]byte {
		out := make([][]byte, n)
		for i := range out {
			out[i] = make([]byte, bytes)
		}
		return out
	}
	ask := func(a Ask) error { _, err := DecodeAsk(a.Encode()); return err }
	stopped := func(s Stopped) error { _, err := DecodeStopped(s.Encode()); return err }
	approval := func(a Approval) error {
		_, _, err := DecodeApproval(append(a.Statement(), make([]byte, SignatureBytes)...))
		return err
	}
	described := func(n, size int) error {
		_, err := DecodeDescribed(Described{Resources: list(n, size)}.Encode())
		return err
	}
	receipts := func(r Receipts) error { _, err := DecodeReceipts(r.Encode()); return err }
	planned := func(n, size int) error {
		_, err := DecodePlanSections(PlanSections{Sections: list(n, size)}.Encode())
		return err
	}
	const fits = fault.Code(255)
	for _, c := range []struct {
		name string
		err  error
		code fault.Code
	}{
		{"empty ask", ask(Ask{}), fits},
		{"submitter", ask(Ask{Submitter: party.ID(long(party.MaxIDBytes))}), fits},
		{"submitter+1", ask(Ask{Submitter: party.ID(long(party.MaxIDBytes + 1))}), fault.LimitExceeded},
		{"request", ask(Ask{RequestID: long(maxRequestID)}), fits},
		{"request+1", ask(Ask{RequestID: long(maxRequestID + 1)}), fault.LimitExceeded},
		{"spec", ask(Ask{Spec: make([]byte, maxSpec)}), fits},
		{"spec+1", ask(Ask{Spec: make([]byte, maxSpec+1)}), fault.LimitExceeded},
		{"not UTF-8", ask(Ask{RequestID: "\xff"}), fault.Misbehaved},
		{"no resources", described(0, 0), fits},
		{"resources", described(maxResources, 1), fits},
		{"resources+1", described(maxResources+1, 1), fault.LimitExceeded},
		{"resource", described(1, maxResource), fits},
		{"resource+1", described(1, maxResource+1), fault.LimitExceeded},
		{"sections", planned(1024, 1), fits},
		{"sections+1", planned(1025, 1), fault.LimitExceeded},
		{"section+1", planned(1, 129), fault.LimitExceeded},
		{"job", approval(Approval{Job: long(maxJobID)}), fits},
		{"job+1", approval(Approval{Job: long(maxJobID + 1)}), fault.LimitExceeded},
		{"holds", approval(Approval{Holds: list(maxHolds, 1)}), fits},
		{"holds+1", approval(Approval{Holds: list(maxHolds+1, 1)}), fault.LimitExceeded},
		{"hold+1", approval(Approval{Holds: list(1, maxReceipt+1)}), fault.LimitExceeded},
		{"approver+1", approval(Approval{Approver: long(party.MaxIDBytes + 1)}), fault.LimitExceeded},
		{"reason", stopped(Stopped{Reason: long(maxReason)}), fits},
		{"reason+1", stopped(Stopped{Reason: long(maxReason + 1)}), fault.LimitExceeded},
		{"step+1", stopped(Stopped{Step: long(maxStepID + 1)}), fault.LimitExceeded},
		{"rule+1", stopped(Stopped{Rule: long(maxRule + 1)}), fault.LimitExceeded},
		{"culprit+1", stopped(Stopped{Culprit: long(party.MaxIDBytes + 1)}), fault.LimitExceeded},
		{"unknown code", stopped(Stopped{Code: 200}), fault.Misbehaved},
		{"receipts", receipts(Receipts{List: list(maxReceipts, 1)}), fits},
		{"receipts+1", receipts(Receipts{List: list(maxReceipts+1, 1)}), fault.LimitExceeded},
		{"receipt+1", receipts(Receipts{List: list(1, maxReceipt+1)}), fault.LimitExceeded},
		{"ended+1", receipts(Receipts{Ended: Phase(long(maxRule + 1))}), fault.LimitExceeded},
	} {
		if c.code == fits {
			if c.err != nil {
				t.Errorf("%s: %v", c.name, c.err)
			}
			continue
		}
		if c.err == nil || fault.CodeOf(c.err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.code)
		}
	}
}

func TestMessageVersion(t *testing.T) {
	b := samples()["message"].payload
	b[0] = messageVersion + 1
	_, err := decodeMessage(b)
	wantCode(t, err, fault.Unsupported)
}

// fuzz feeds a decoder: a value that encodes to the same bytes, or a fault.
func fuzz(f *testing.F, name string) {
	s := samples()[name]
	f.Add(s.payload)
	f.Add(s.payload[:len(s.payload)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := s.again(b)
		switch code := fault.CodeOf(err); {
		case err == nil && !bytes.Equal(got, b):
			t.Fatal("one value with two encodings")
		case err != nil && code != fault.Misbehaved && code != fault.LimitExceeded && code != fault.Unsupported:
			t.Fatal(err)
		}
	})
}

func FuzzDecodeAsk(f *testing.F)          { fuzz(f, "ask") }
func FuzzDecodeDescribed(f *testing.F)    { fuzz(f, "described") }
func FuzzDecodePlanSections(f *testing.F) { fuzz(f, "planned") }
func FuzzDecodeApproval(f *testing.F)     { fuzz(f, "approved") }
func FuzzDecodeStopped(f *testing.F)      { fuzz(f, "stopped") }
func FuzzDecodeReceipts(f *testing.F)     { fuzz(f, "receipts") }
func FuzzDecodeMessage(f *testing.F)      { fuzz(f, "message") }

// nobody verifies nothing.
type nobody struct{}

func (nobody) Verify(party.ID, string, []byte, []byte) error {
	return fault.New(fault.Unauthenticated, "test", "no")
}

func FuzzOpenMessage(f *testing.F) {
	b := append(samples()["message"].payload, make([]byte, SignatureBytes)...)
	f.Add(b)
	f.Add(b[:SignatureBytes])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := OpenMessage(b, "bank", "hub", 7, nobody{})
		if err == nil || culpritOf(err) != "bank" {
			t.Fatalf("an unsigned message: %v", err)
		}
	})
}
