package right

import (
	"slices"

	"github.com/tacit-data/tacit/api/fault"
)

// AgreementState is a state of the contract negotiation protocol of Dataspace Protocol 2025-1, whose names it keeps.
// The zero value is an agreement nobody has sent yet.
type AgreementState string

// The states.
const (
	AgreementNone       AgreementState = ""
	AgreementRequested  AgreementState = "REQUESTED"
	AgreementOffered    AgreementState = "OFFERED"
	AgreementAccepted   AgreementState = "ACCEPTED"
	AgreementAgreed     AgreementState = "AGREED"
	AgreementVerified   AgreementState = "VERIFIED"
	AgreementFinalized  AgreementState = "FINALIZED"
	AgreementTerminated AgreementState = "TERMINATED"
)

// Side is who moves: the provider holds the data, the consumer asks for it.
type Side string

// The sides.
const (
	Provider Side = "provider"
	Consumer Side = "consumer"
)

// AgreementEvent is a message that asks for the state To, sent by one side.
type AgreementEvent struct {
	By Side
	To AgreementState
}

// AgreementTransition is one row of the table.
type AgreementTransition struct {
	From AgreementState
	By   Side
	To   AgreementState
}

var agreementTable = [...]AgreementTransition{
	{AgreementNone, Consumer, AgreementRequested},
	{AgreementNone, Provider, AgreementOffered},
	{AgreementRequested, Provider, AgreementOffered},
	{AgreementRequested, Provider, AgreementAgreed},
	{AgreementRequested, Consumer, AgreementTerminated},
	{AgreementRequested, Provider, AgreementTerminated},
	{AgreementOffered, Consumer, AgreementRequested},
	{AgreementOffered, Consumer, AgreementAccepted},
	{AgreementOffered, Consumer, AgreementTerminated},
	{AgreementOffered, Provider, AgreementTerminated},
	{AgreementAccepted, Provider, AgreementAgreed},
	{AgreementAccepted, Provider, AgreementTerminated},
	{AgreementAgreed, Consumer, AgreementVerified},
	{AgreementAgreed, Consumer, AgreementTerminated},
	{AgreementVerified, Provider, AgreementFinalized},
	{AgreementVerified, Provider, AgreementTerminated},
}

// AgreementTransitions lists the whole table.
func AgreementTransitions() []AgreementTransition { return slices.Clone(agreementTable[:]) }

// Step returns the state after e. It is total and pure: a pair outside the table leaves the state as it is.
//
// Errors: fault.Invalid for a pair outside the table.
func (s AgreementState) Step(e AgreementEvent) (AgreementState, error) {
	if slices.Contains(agreementTable[:], AgreementTransition{s, e.By, e.To}) {
		return e.To, nil
	}
	return s, fault.New(fault.Invalid, "right.AgreementState", "no way from %q to %q for the %s", s, e.To, e.By)
}
