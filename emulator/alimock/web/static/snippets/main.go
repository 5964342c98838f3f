// go get github.com/aliyun/alibaba-cloud-sdk-go
package main

import (
	"fmt"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/domain"
)

func main() {
	client, err := domain.NewClientWithAccessKey("cn-hangzhou", "{{access_key_id}}", "{{access_key_secret}}")
	if err != nil {
		panic(err)
	}
	request := domain.CreateSubmitEmailVerificationRequest()
	request.Domain, request.Scheme = "{{endpoint}}", "{{protocol}}"
	request.Email = "jo@example.com"
	response, err := client.SubmitEmailVerification(request)
	if err != nil {
		panic(err)
	}
	fmt.Println(response.GetHttpContentString())
}
