package vole

import (
	"errors"
	"testing"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/protocols/conntest"
	"github.com/tacit-data/tacit/protocols/transcript"
)

// Every altered message ends the run or changes nothing.
func TestSuiteMalicious(t *testing.T) {
	if testing.Short() {
		t.Skip("TestSuite has the same steps but the last two")
	}
	conntest.Suite(t, over(params(t, Literal{Length: 100, Malicious: true})))
}

// steps are both parties of a malicious run up to the answer.
type steps struct {
	u      *SenderSetup
	r      *ReceiverSetup
	answer []byte
	before *transcript.Transcript // the sender's, without the answer
}

func begin(t *testing.T, p Params, seed uint64) steps {
	t.Helper()
	ss, sr := conntest.Sessions(conntest.PartyA, conntest.PartyB, seed)
	u, setup, err := NewSender(ss, sr.Self, p)
	if err != nil {
		t.Fatal(err)
	}
	r, reply, err := NewReceiver(sr, ss.Self, p, setup)
	if err != nil {
		t.Fatal(err)
	}
	before := u.tr.Fork()
	before.Append("reply", reply)
	answer, err := u.Answer(reply)
	if err != nil {
		t.Fatal(err)
	}
	return steps{u, r, answer, before}
}

// commit makes the sender hash and prove the answer as it now is, as a cheating one would: only the correlation is wrong.
func (s steps) commit() {
	share := xorBlock(*s.u.checked, s.u.v.checksum(newWeights(s.u.tr)))
	s.u.tr = s.before
	s.u.tr.Append("answer", s.answer)
	*s.u.checked = xorBlock(share, s.u.v.checksum(newWeights(s.u.tr)))
}

// finish runs the check and returns the receiver's verdict.
func (s steps) finish(t *testing.T) error {
	t.Helper()
	masked, err := s.r.Open(s.answer)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := s.u.Prove(masked)
	if err != nil {
		t.Fatal(err)
	}
	return s.r.Verify(proof)
}

// A sender that falsifies the correction of a tree is found whatever the path is: the missing leaf carries the error.
func TestWrongCorrectionIsFound(t *testing.T) {
	p := params(t, Literal{Length: 10, Malicious: true})
	for _, tree := range []int{0, p.trees / 2, p.trees - 1} {
		s := begin(t, p, uint64(tree))
		s.answer[(tree+1)*p.treeBytes()-1] ^= 1
		s.commit()
		if err := s.finish(t); !errors.Is(err, fault.Misbehaved) || conntest.Culprit(err) != conntest.PartyA {
			t.Errorf("tree %d: %v, want Misbehaved", tree, err)
		}
		if _, err := s.r.Compress(); !errors.Is(err, fault.Invalid) {
			t.Errorf("the receiver compresses after a failed check: %v", err)
		}
	}
}

// A sender that falsifies one of the two sums of a level is found exactly when the receiver's path opens that sum.
func TestWrongSumIsSelectiveFailure(t *testing.T) {
	p := params(t, Literal{Length: 10, Malicious: true})
	const tree, level = 7, 2
	found := map[bool]bool{}
	for seed := range uint64(8) {
		s := begin(t, p, seed)
		opensRight := s.r.noise.at[tree]>>(p.depth-1-level)&1 == 0
		s.answer[tree*p.treeBytes()+(2*level+1)*blockBytes] ^= 1
		s.commit()
		err := s.finish(t)
		if opensRight != errors.Is(err, fault.Misbehaved) {
			t.Fatalf("path opens the sum: %v; verdict %v", opensRight, err)
		}
		found[opensRight] = true
	}
	if len(found) != 2 {
		t.Error("all runs took the same side: choose other seeds")
	}
}

func TestCheckOfTheWrongMode(t *testing.T) {
	s := begin(t, params(t, Literal{Length: 10}), 1)
	if _, err := s.u.Prove(make([]byte, maskedBytes)); !errors.Is(err, fault.Invalid) {
		t.Errorf("Prove in the semi-honest mode: %v", err)
	}
	if masked, err := s.r.Open(s.answer); masked != nil || err != nil {
		t.Errorf("Open in the semi-honest mode: %d bytes, %v", len(masked), err)
	}
	if err := s.r.Verify(make([]byte, proofBytes)); !errors.Is(err, fault.Invalid) {
		t.Errorf("Verify in the semi-honest mode: %v", err)
	}
}

func TestOrderOfCheck(t *testing.T) {
	s := begin(t, params(t, Literal{Length: 10, Malicious: true}), 1)
	if _, err := s.u.Compress(); !errors.Is(err, fault.Invalid) {
		t.Errorf("sender compresses before the proof: %v", err)
	}
	masked, err := s.r.Open(s.answer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.r.Compress(); !errors.Is(err, fault.Invalid) {
		t.Errorf("receiver compresses before the proof: %v", err)
	}
	if _, err := s.u.Prove(masked[1:]); !errors.Is(err, fault.Misbehaved) {
		t.Errorf("short masked sum: %v", err)
	}
	proof, err := s.u.Prove(masked)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.r.Verify(proof[1:]); !errors.Is(err, fault.Misbehaved) {
		t.Errorf("short proof: %v", err)
	}
	if err := s.r.Verify(proof); err != nil {
		t.Fatal(err)
	}
	snd, err := s.u.Compress()
	if err != nil {
		t.Fatal(err)
	}
	rcv, err := s.r.Compress()
	if err != nil || !correlated(snd, rcv) {
		t.Errorf("A ≠ B + Δ·C, %v", err)
	}
}
