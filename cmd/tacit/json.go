package main

import (
	"encoding/hex"
	"time"

	"github.com/tacit-data/tacit/node"
)

// The JSON forms of what commands print: names in snake case, bytes in bytes, times in RFC 3339 UTC.

type nodeJSON struct {
	Party           string `json:"party"`
	Version         string `json:"software"`
	Link            string `json:"link"`
	API             string `json:"api"`
	RootFingerprint string `json:"root_fingerprint"`
	Leaves          int64  `json:"leaves"`
	PeakRSS         int64  `json:"peak_rss_bytes"`
	CPUNanos        int64  `json:"cpu_ns"`
}

func nodeOf(v node.Info) nodeJSON {
	return nodeJSON{string(v.Party), v.Version, v.LinkAddress, v.APIAddress, v.RootFingerprint, v.Leaves, v.PeakRSS, int64(v.CPU)}
}

type peerJSON struct {
	Party           string   `json:"party"`
	State           string   `json:"state"`
	Link            string   `json:"link"`
	RootFingerprint string   `json:"root_fingerprint"`
	Words           string   `json:"words"`
	Addresses       []string `json:"addresses"`
}

func peerOf(v node.PeerView) peerJSON {
	return peerJSON{string(v.Party), string(v.State), v.Link, v.RootFingerprint, v.Words, plain(v.Addresses)}
}

type shareJSON struct {
	Party  string `json:"party"`
	Weight int64  `json:"weight"`
}

type agreementJSON struct {
	ID         string      `json:"id"`
	State      string      `json:"state"`
	Parties    []string    `json:"parties"`
	Assets     []string    `json:"assets"`
	Purpose    string      `json:"purpose"`
	Currency   string      `json:"currency"`
	PriceMinor int64       `json:"price_minor"`
	Payer      string      `json:"payer"`
	Shares     []shareJSON `json:"shares"`
	SignedBy   []string    `json:"signed_by"`
	NotAfter   string      `json:"not_after"`
}

func agreementOf(v node.AgreementView) agreementJSON {
	a := v.Agreement
	out := agreementJSON{
		ID: v.ID, State: string(v.State), Parties: plain(a.Parties), Assets: []string{}, Purpose: a.Purpose, Currency: a.Price.Currency,
		PriceMinor: a.Price.Minor, Payer: string(a.Payer), Shares: []shareJSON{}, SignedBy: plain(v.SignedBy), NotAfter: stampMillis(a.NotAfter),
	}
	for _, asset := range a.Assets {
		out.Assets = append(out.Assets, string(asset.Owner)+":"+asset.ID)
	}
	for _, s := range a.Shares {
		out.Shares = append(out.Shares, shareJSON{string(s.Party), s.Weight})
	}
	return out
}

type jobJSON struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Phase      string       `json:"phase"`
	Lead       string       `json:"lead"`
	PlanDigest string       `json:"plan_digest"`
	PlanText   string       `json:"plan_text"`
	Leakage    []string     `json:"leakage"`
	Steps      []stepJSON   `json:"steps"`
	Failure    *failureJSON `json:"failure"`
	Receipts   []receipt    `json:"receipts"`
	Approvals  []string     `json:"approvals"`
	WaitingFor []string     `json:"waiting_for"`
	Notices    []string     `json:"notices"`
	Created    string       `json:"created"`
	Ended      string       `json:"ended"`
}

type stepJSON struct {
	ID           string `json:"id"`
	Op           string `json:"op"`
	Phase        string `json:"phase"`
	Done         int64  `json:"done"`
	Total        int64  `json:"total"`
	Rounds       int64  `json:"rounds"`
	SentBytes    int64  `json:"sent_bytes"`
	RecvBytes    int64  `json:"recv_bytes"`
	PlannedBytes int64  `json:"planned_bytes"`
	CPUNanos     int64  `json:"cpu_ns"`
	WallNanos    int64  `json:"wall_ns"`
}

type failureJSON struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Party   string `json:"party"`
	Step    string `json:"step"`
	Culprit string `json:"culprit"`
	Reason  string `json:"reason"`
}

type receipt struct {
	Step          string   `json:"step"`
	Party         string   `json:"party"`
	Outcome       string   `json:"outcome"`
	Uses          int64    `json:"uses"`
	RowsIn        int64    `json:"rows_in"`
	RowsOut       int64    `json:"rows_out"`
	CellsOut      int64    `json:"cells_out"`
	SentBytes     int64    `json:"sent_bytes"`
	RecvBytes     int64    `json:"recv_bytes"`
	Rounds        int64    `json:"rounds"`
	RhoPico       int64    `json:"rho_pico"`
	Countersigned []string `json:"countersigned"`
	Leaf          int64    `json:"leaf"`
}

func jobOf(v node.JobView) jobJSON {
	out := jobJSON{
		ID: v.ID, Name: v.Name, Phase: v.Phase, Lead: string(v.Lead), PlanDigest: v.PlanDigest, PlanText: v.PlanText,
		Leakage: plain(v.Leakage), Steps: []stepJSON{}, Receipts: []receipt{}, Approvals: plain(v.Approvals),
		WaitingFor: plain(v.WaitingFor), Notices: plain(v.Notices), Created: stamp(v.Created), Ended: stamp(v.Ended),
	}
	if f := v.Failure; f != nil {
		out.Failure = &failureJSON{f.Code.ExitCode(), f.Code.String(), string(f.Party), f.Step, f.Culprit, f.Reason}
	}
	for _, s := range v.Steps {
		out.Steps = append(out.Steps, stepJSON{
			s.ID, s.Op, s.Phase, s.Done, s.Total, s.Rounds, s.SentBytes, s.RecvBytes, s.PlannedBytes, int64(s.CPU), int64(s.Wall),
		})
	}
	for _, r := range v.Receipts {
		u := r.Receipt.Reading
		out.Receipts = append(out.Receipts, receipt{
			r.Receipt.Step, string(r.Receipt.Party), r.Receipt.Outcome.String(), u.Uses, u.RowsIn, u.RowsOut, u.CellsOut,
			u.SentBytes, u.RecvBytes, u.Rounds, u.DPRho, plain(r.Countersigned), r.Leaf,
		})
	}
	return out
}

type elementJSON struct {
	ID        string   `json:"id"`
	Kind      string   `json:"element_kind"`
	Job       string   `json:"job"`
	Step      string   `json:"step"`
	State     string   `json:"state"`
	Inputs    []string `json:"inputs"`
	Algorithm string   `json:"algorithm"`
	Grade     int      `json:"grade"`
}

func elementOf(v node.ElementView) elementJSON {
	return elementJSON{v.ID, v.Kind, v.Job, v.Step, v.State, plain(v.Inputs), v.Algorithm, v.Grade}
}

type invoiceJSON struct {
	head
	Job        string            `json:"job"`
	Agreement  string            `json:"agreement"`
	Payer      string            `json:"payer"`
	Currency   string            `json:"currency"`
	TotalMinor int64             `json:"total_minor"`
	Lines      []invoiceLineJSON `json:"lines"`
	Leaf       int64             `json:"leaf"`
}

type invoiceLineJSON struct {
	Payee       string `json:"payee"`
	Weight      int64  `json:"weight"`
	AmountMinor int64  `json:"amount_minor"`
}

func invoiceOf(v node.InvoiceView) invoiceJSON {
	out := invoiceJSON{
		head: kind("invoice"), Job: v.Job, Agreement: v.Agreement, Payer: string(v.Payer), Currency: v.Currency,
		TotalMinor: v.TotalMinor, Lines: []invoiceLineJSON{}, Leaf: v.Leaf,
	}
	for _, l := range v.Lines {
		out.Lines = append(out.Lines, invoiceLineJSON{string(l.Payee), l.Weight, l.AmountMinor})
	}
	return out
}

type auditJSON struct {
	head
	Size        int64  `json:"size"`
	Root        string `json:"root"` // lower-case hexadecimal
	Checkpoint  string `json:"checkpoint"`
	VerifierKey string `json:"verifier_key"`
}

func auditOf(v node.AuditView) auditJSON {
	return auditJSON{kind("audit"), v.Size, hex.EncodeToString(v.Root[:]), v.Checkpoint, v.VerifierKey}
}

// lasted is how long a job has run, in whole milliseconds.
func lasted(v node.JobView, now time.Time) time.Duration {
	if v.Terminal() {
		now = v.Ended
	}
	return now.Sub(v.Created).Round(time.Millisecond)
}
