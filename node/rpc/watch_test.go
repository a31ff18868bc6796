package rpc

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tacit-data/tacit/api/fault"
	"github.com/tacit-data/tacit/node"
)

func TestWatch(t *testing.T) {
	for name, opts := range wireForms() {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			c := m.client(t, opts...)
			var phases []string
			last, err := c.Watch(t.Context(), "012345", func(v node.JobView) error {
				phases = append(phases, v.Phase)
				if len(phases) == 1 {
					m.change(ended(nil))
				}
				return nil
			})
			if err != nil || !reflect.DeepEqual(last, ended(nil)) || !reflect.DeepEqual(phases, []string{"running", "done"}) {
				t.Errorf("%v, %v, %+v", phases, err, last)
			}
		})
	}
}

func TestWatchEnds(t *testing.T) {
	m := newMemory(t)
	c := m.client(t)
	enough := errors.New("enough")
	if _, err := c.Watch(t.Context(), "012345", func(node.JobView) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("callback: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Watch(ctx, "012345", func(node.JobView) error { cancel(); return nil })
	wantCode(t, "context", err, fault.Canceled)
	m.setFail(fault.New(fault.NotFound, "node.Job", "no such job"))
	_, err = c.Watch(t.Context(), "012345", func(node.JobView) error { return nil })
	wantCode(t, "unknown job", err, fault.NotFound)
}

// TestWatchSurvivesARestart: the server stops in the middle, comes back at the same address, and the watch goes on.
func TestWatchSurvivesARestart(t *testing.T) {
	m := newMemory(t)
	url, stop := m.serve(t, "127.0.0.1:0")
	c := newClient(url, testToken, m.pin(t))
	defer c.Close()
	seen := 0
	last, err := c.Watch(t.Context(), "012345", func(node.JobView) error {
		if seen++; seen == 1 {
			stop()
			m.change(ended(nil))
			m.serve(t, strings.TrimPrefix(url, "https://"))
		}
		return nil
	})
	if err != nil || !last.Terminal() {
		t.Errorf("%v after %d views: %+v", err, seen, last)
	}
}

// TestACutCallIsUnavailable: a node that dies under a call is not a bug of the node.
func TestACutCallIsUnavailable(t *testing.T) {
	m := newMemory(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/connect+proto")
		_, _ = w.Write([]byte{0, 0, 0}) // the start of an envelope
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	srv.TLS = m.APITLS()
	srv.StartTLS()
	defer srv.Close()
	c := newClient(srv.URL, testToken, m.pin(t))
	defer c.Close()
	_, err := c.Watch(t.Context(), "012345", func(node.JobView) error { return nil })
	wantCode(t, "half an answer", err, fault.Unavailable)
}

func TestAwait(t *testing.T) {
	m := newMemory(t)
	c := m.client(t)
	start := time.Now()
	v, err := c.AwaitJob(t.Context(), "012345", time.Second)
	if err != nil || v.Terminal() || time.Since(start) < 900*time.Millisecond {
		t.Errorf("nothing happened: %+v, %v after %v", v.Phase, err, time.Since(start))
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		m.change(ended(nil))
	}()
	v, err = c.AwaitJob(t.Context(), "012345", time.Hour) // cut to MaxWait
	if err != nil || !v.Terminal() {
		t.Errorf("after the end: %+v, %v", v.Phase, err)
	}
}

func TestStopEndsWaits(t *testing.T) {
	m := newMemory(t)
	url, stop := m.serve(t, "127.0.0.1:0")
	c := newClient(url, testToken, m.pin(t))
	got := make(chan error, 1)
	go func() {
		v, err := c.AwaitJob(context.Background(), "012345", MaxWait)
		if err == nil && v.Terminal() {
			err = errors.New("the job has not ended")
		}
		got <- err
	}()
	time.Sleep(100 * time.Millisecond)
	start := time.Now()
	stop()
	if err := <-got; err != nil || time.Since(start) > stopGrace {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
