package psi

// receiver is R's state under method ecdh: the tags of its own items as S computes them, and those of S's stream.
type receiver struct{ own, theirs *tagList }

func newReceiver(width int) receiver {
	return receiver{own: newTagList(width), theirs: newTagList(width)}
}
