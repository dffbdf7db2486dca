package client

import (
	"bufio"
	"net"
	"net/http"
	"testing"

	"github.com/cloudmastershub/cmh/client/hub"
)

// A hub that takes answers and then is gone may have marked them.
func TestWhatMayHaveArrivedWasSent(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_ = l.Close()
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}()
	_, err = New("http://"+l.Addr().String()).TakeQuiz(t.Context(), "a", "b", hub.QuizAnswers{})
	if !Unreachable(err) || NeverSent(err) {
		t.Errorf("got %v, never sent: %v", err, NeverSent(err))
	}
	_, err = New("http://"+l.Addr().String()).TakeQuiz(t.Context(), "a", "b", hub.QuizAnswers{})
	if !NeverSent(err) {
		t.Errorf("nobody was there: %v", err)
	}
}
