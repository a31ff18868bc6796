package rpc

import (
	"encoding/hex"
	"math"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/api/job"
	"github.com/tacit-data/tacit/api/party"
	"github.com/tacit-data/tacit/api/pb"
	"github.com/tacit-data/tacit/node"
	"github.com/tacit-data/tacit/sandbox/meter"
)

// FormatName is the wire's name of f.
func FormatName(f job.Format) string {
	if f == job.JSON {
		return "json"
	}
	return "yaml"
}

// ParseFormat reads "yaml" or "json".
//
// Errors: fault.Invalid for anything else.
func ParseFormat(s string) (job.Format, error) {
	switch s {
	case "yaml":
		return job.YAML, nil
	case "json":
		return job.JSON, nil
	}
	return 0, fault.New(fault.Invalid, "rpc.ParseFormat", "the format of a spec is yaml or json")
}

func encodeJob(v node.JobView) *pb.Job {
	return &pb.Job{
		Id: v.ID, Name: v.Name, Phase: v.Phase, Lead: string(v.Lead), PlanDigest: v.PlanDigest, PlanText: v.PlanText,
		Leakage: v.Leakage, Steps: each(v.Steps, encodeStep), Failure: encodeJobFailure(v.Failure),
		Receipts: each(v.Receipts, encodeReceipt), Approvals: text(v.Approvals), WaitingFor: text(v.WaitingFor),
		Notices: v.Notices, CreatedMs: toMillis(v.Created), EndedMs: toMillis(v.Ended),
	}
}

// decodeJob reads what the wire carries of a job.
func decodeJob(m *pb.Job) node.JobView {
	return node.JobView{
		ID: m.GetId(), Name: m.GetName(), Phase: m.GetPhase(), Lead: party.ID(m.GetLead()), PlanDigest: m.GetPlanDigest(),
		PlanText: m.GetPlanText(), Leakage: m.GetLeakage(), Steps: each(m.GetSteps(), decodeStep), Failure: decodeJobFailure(m.GetFailure()),
		Receipts:  each(m.GetReceipts(), func(r *pb.Receipt) node.ReceiptView { return decodeReceipt(m, r) }),
		Approvals: named[party.ID](m.GetApprovals()), WaitingFor: named[party.ID](m.GetWaitingFor()), Notices: m.GetNotices(),
		Created: fromMillis(m.GetCreatedMs()), Ended: fromMillis(m.GetEndedMs()),
	}
}

func encodeStep(v node.StepView) *pb.JobStep {
	return &pb.JobStep{
		Id: v.ID, Op: v.Op, Phase: v.Phase, Done: v.Done, Total: v.Total, Rounds: int32(min(max(v.Rounds, 0), math.MaxInt32)),
		SentBytes: v.SentBytes, RecvBytes: v.RecvBytes, PlannedBytes: v.PlannedBytes, CpuNs: int64(v.CPU), WallNs: int64(v.Wall),
	}
}

func decodeStep(m *pb.JobStep) node.StepView {
	return node.StepView{
		ID: m.GetId(), Op: m.GetOp(), Phase: m.GetPhase(), Done: m.GetDone(), Total: m.GetTotal(), Rounds: int64(m.GetRounds()),
		SentBytes: m.GetSentBytes(), RecvBytes: m.GetRecvBytes(), PlannedBytes: m.GetPlannedBytes(),
		CPU: time.Duration(m.GetCpuNs()), Wall: time.Duration(m.GetWallNs()),
	}
}

func encodeJobFailure(v *node.FailureView) *pb.Fault {
	if v == nil {
		return nil
	}
	return &pb.Fault{Code: uint32(v.Code), Party: string(v.Party), Step: v.Step, Culprit: v.Culprit, Reason: v.Reason}
}

// decodeJobFailure reads a failure; a code of a later version is Internal.
func decodeJobFailure(m *pb.Fault) *node.FailureView {
	if m == nil {
		return nil
	}
	out := &node.FailureView{Party: party.ID(m.GetParty()), Step: m.GetStep(), Culprit: m.GetCulprit(), Reason: m.GetReason()}
	if c := m.GetCode(); c <= math.MaxUint8 && fault.Code(c).Known() {
		out.Code = fault.Code(c)
	}
	return out
}

// JobFailure is the failure of a job that ended without success, as an error; nil when it has none.
func JobFailure(v node.JobView) error {
	if v.Failure == nil {
		return nil
	}
	f := v.Failure
	return &Failure{Party: f.Party, Step: f.Step, Err: &fault.Error{Code: f.Code, Op: "job " + v.ID, Culprit: f.Culprit, Reason: f.Reason}}
}

func encodeReceipt(v node.ReceiptView) *pb.Receipt {
	r := v.Receipt
	return &pb.Receipt{
		Step: r.Step, Party: string(r.Party), Outcome: r.Outcome.String(), Uses: r.Reading.Uses,
		RowsIn: r.Reading.RowsIn, RowsOut: r.Reading.RowsOut, CellsOut: r.Reading.CellsOut,
		SentBytes: r.Reading.SentBytes, RecvBytes: r.Reading.RecvBytes, Rounds: r.Reading.Rounds, RhoPico: r.Reading.DPRho,
		Countersigned: text(v.Countersigned), Leaf: v.Leaf,
	}
}

// decodeReceipt reads the billed units; attempt, time, CPU and wall time do not travel.
func decodeReceipt(of *pb.Job, m *pb.Receipt) node.ReceiptView {
	out := node.ReceiptView{
		Receipt: meter.Receipt{
			Job: of.GetId(), Step: m.GetStep(), Party: party.ID(m.GetParty()), Outcome: parseOutcome(m.GetOutcome()),
			Reading: meter.Reading{
				Uses: m.GetUses(), RowsIn: m.GetRowsIn(), RowsOut: m.GetRowsOut(), CellsOut: m.GetCellsOut(),
				SentBytes: m.GetSentBytes(), RecvBytes: m.GetRecvBytes(), Rounds: m.GetRounds(), DPRho: m.GetRhoPico(),
			},
		},
		Countersigned: named[party.ID](m.GetCountersigned()), Leaf: m.GetLeaf(),
	}
	if digest, err := hex.DecodeString(of.GetPlanDigest()); err == nil && len(digest) == len(out.Receipt.Plan) {
		out.Receipt.Plan = [32]byte(digest)
	}
	return out
}

func parseOutcome(s string) meter.Outcome {
	for o := meter.Done; o <= meter.Unused; o++ {
		if o.String() == s {
			return o
		}
	}
	return 0
}

func encodeInvoice(v node.InvoiceView) *pb.GetInvoiceResponse {
	return &pb.GetInvoiceResponse{
		JobId: v.Job, Agreement: v.Agreement, Payer: string(v.Payer), Currency: v.Currency, TotalMinor: v.TotalMinor, Leaf: v.Leaf,
		Lines: each(v.Lines, func(l node.InvoiceLine) *pb.InvoiceLine {
			return &pb.InvoiceLine{Payee: string(l.Payee), Weight: l.Weight, AmountMinor: l.AmountMinor}
		}),
	}
}

func decodeInvoice(m *pb.GetInvoiceResponse) node.InvoiceView {
	return node.InvoiceView{
		Job: m.GetJobId(), Agreement: m.GetAgreement(), Payer: party.ID(m.GetPayer()), Currency: m.GetCurrency(),
		TotalMinor: m.GetTotalMinor(), Leaf: m.GetLeaf(),
		Lines: each(m.GetLines(), func(l *pb.InvoiceLine) node.InvoiceLine {
			return node.InvoiceLine{Payee: party.ID(l.GetPayee()), Weight: l.GetWeight(), AmountMinor: l.GetAmountMinor()}
		}),
	}
}

func encodeElement(v node.ElementView) *pb.Element {
	return &pb.Element{
		Id: v.ID, Kind: v.Kind, JobId: v.Job, Step: v.Step, State: v.State, Inputs: v.Inputs, Algorithm: v.Algorithm, Grade: int64(v.Grade),
	}
}

func decodeElement(m *pb.Element) node.ElementView {
	return node.ElementView{
		ID: m.GetId(), Kind: m.GetKind(), Job: m.GetJobId(), Step: m.GetStep(), State: m.GetState(), Inputs: m.GetInputs(),
		Algorithm: m.GetAlgorithm(), Grade: int(m.GetGrade()),
	}
}
