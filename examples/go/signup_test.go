// Offline tests of the application: alimock run -- go test -count=1 ./...
package signup

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// newSignup returns the application with an access key of its own, and the key. Tests that run in parallel do not share an account.
func newSignup(t *testing.T) (*Signup, string) {
	t.Helper()
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	key, secret := hex.EncodeToString(random), os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	// Register the key, so that its signatures are checked.
	control(t, "PUT", "access-keys/"+key, fmt.Sprintf(`{"secret": %q}`, secret))
	signup, err := New(os.Getenv("ALIMOCK_ENDPOINT"), "http", key, secret)
	if err != nil {
		t.Fatal(err)
	}
	return signup, key
}

// control sends a request to the control API of alimock, and returns the body of the response.
func control(t *testing.T, method, path, body string) []byte {
	t.Helper()
	request, err := http.NewRequest(method, os.Getenv("ALIMOCK_URL")+"/_alimock/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s: %s, %v", method, path, response.Status, answer, err)
	}
	return answer
}

func waitForToken(t *testing.T, key, email string) string {
	t.Helper()
	var answer struct{ Message struct{ Token string } }
	if err := json.Unmarshal(control(t, "GET", "outbox/wait?to="+email+"&access_key_id="+key, ""), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Message.Token
}

func assertInvite(t *testing.T, signup *Signup, email, expected string) {
	t.Helper()
	if message, err := signup.Invite(email); err != nil || message != expected {
		t.Fatalf("found %q, %v, expected %q", message, err, expected)
	}
}

func TestUserConfirmsAnAddressWithTheTokenOfTheEmail(t *testing.T) {
	t.Parallel()
	signup, key := newSignup(t)
	assertInvite(t, signup, "jo@example.com", "check your inbox")
	token := waitForToken(t, key, "jo@example.com")
	if verified, err := signup.IsVerified("jo@example.com"); err != nil || verified {
		t.Fatal(verified, err)
	}
	if err := signup.Confirm(token); err != nil {
		t.Fatal(err)
	}
	if verified, err := signup.IsVerified("jo@example.com"); err != nil || !verified {
		t.Fatal(verified, err)
	}
}

func TestRejectedAddressGetsAnExplanation(t *testing.T) {
	t.Parallel()
	signup, key := newSignup(t)
	control(t, "PUT", "addresses/busy@example.com?access_key_id="+key, "quota-exceeded")
	control(t, "PUT", "addresses/odd@example.com?access_key_id="+key, "illegal")
	assertInvite(t, signup, "busy@example.com", "try again tomorrow")
	assertInvite(t, signup, "odd@example.com", "please check the address")
}

func TestLinkExpiresAfterThreeDays(t *testing.T) {
	t.Parallel()
	signup, key := newSignup(t)
	assertInvite(t, signup, "al@example.com", "check your inbox")
	token := waitForToken(t, key, "al@example.com")
	control(t, "POST", "clock/advance?access_key_id="+key, `{"by": "3d"}`)
	if err := signup.Confirm(token); err == nil || !strings.Contains(err.Error(), "ParameterIllegal") {
		t.Fatal(err)
	}
}
