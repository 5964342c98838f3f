// Package signup verifies the email addresses of users with the official SDK. Its endpoint is a setting.
package signup

import (
	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	domain "github.com/alibabacloud-go/domain-20180129/v4/client"
	"github.com/alibabacloud-go/tea/tea"
)

// Signup verifies addresses.
type Signup struct {
	client *domain.Client
}

// New returns a Signup; the real service is at "domain.aliyuncs.com" with "https".
func New(endpoint, protocol, accessKeyID, accessKeySecret string) (*Signup, error) {
	client, err := domain.NewClient(&openapi.Config{
		Endpoint:        tea.String(endpoint),
		Protocol:        tea.String(protocol),
		AccessKeyId:     tea.String(accessKeyID),
		AccessKeySecret: tea.String(accessKeySecret),
	})
	return &Signup{client}, err
}

// Invite sends a verification email, and returns a message for the user.
func (s *Signup) Invite(email string) (string, error) {
	response, err := s.client.SubmitEmailVerification(&domain.SubmitEmailVerificationRequest{
		Email: tea.String(email), SendIfExist: tea.Bool(true),
	})
	if err != nil {
		return "", err
	}
	switch body := response.Body; {
	case len(body.FailList) > 0 && tea.StringValue(body.FailList[0].Code) == "SendTokenQuotaExceeded":
		return "try again tomorrow", nil
	case len(body.FailList) > 0:
		return "please check the address", nil
	case len(body.SuccessList) > 0:
		return "check your inbox", nil
	default:
		return "already verified", nil
	}
}

// Confirm confirms an address with the token of its link.
func (s *Signup) Confirm(token string) error {
	_, err := s.client.VerifyEmail(&domain.VerifyEmailRequest{Token: tea.String(token)})
	return err
}

// IsVerified returns whether an address is verified.
func (s *Signup) IsVerified(email string) (bool, error) {
	response, err := s.client.QueryEmailVerification(&domain.QueryEmailVerificationRequest{Email: tea.String(email)})
	if err != nil {
		return false, err
	}
	return tea.Int32Value(response.Body.VerificationStatus) == 1, nil
}
