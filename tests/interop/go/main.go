// Call alimock through one of the Go SDKs: reads one {"action", "parameters"} per line and writes one {"body"} or {"error"} per line.
// usage: driver classic-typed|classic-get|tea|tea-v1|tea-typed|tea-typed-v1|aliyungo-get|aliyungo-post
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strconv"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	teadomain "github.com/alibabacloud-go/domain-20180129/v4/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/domain"
	"github.com/denverdino/aliyungo/common"
)

type order struct {
	Action     string            `json:"action"`
	Parameters map[string]string `json:"parameters"`
}

type call func(order) (any, error)

var (
	endpoint = os.Getenv("ENDPOINT")
	key      = os.Getenv("ACCESS_KEY_ID")
	secret   = os.Getenv("ACCESS_KEY_SECRET")
	version  = os.Getenv("VERSION")
)

// The typed requests of the classic SDK, which the product Domain publishes for 2018-01-29 only.
var creators = map[string]func() any{
	"SubmitEmailVerification": func() any { return domain.CreateSubmitEmailVerificationRequest() },
	"ResendEmailVerification": func() any { return domain.CreateResendEmailVerificationRequest() },
	"VerifyEmail":             func() any { return domain.CreateVerifyEmailRequest() },
	"QueryEmailVerification":  func() any { return domain.CreateQueryEmailVerificationRequest() },
	"ListEmailVerification":   func() any { return domain.CreateListEmailVerificationRequest() },
	"DeleteEmailVerification": func() any { return domain.CreateDeleteEmailVerificationRequest() },
	"EmailVerified":           func() any { return domain.CreateEmailVerifiedRequest() },
}

func classicTyped() call {
	client, err := domain.NewClientWithAccessKey("cn-hangzhou", key, secret)
	if err != nil {
		panic(err)
	}
	return func(o order) (any, error) {
		create, found := creators[o.Action]
		if !found {
			return classicCommon("POST", "JSON")(o)
		}
		request := create()
		fields := reflect.ValueOf(request).Elem()
		for name, value := range o.Parameters {
			fields.FieldByName(name).SetString(value)
		}
		rpc := fields.FieldByName("RpcRequest").Interface().(*requests.RpcRequest)
		rpc.Domain, rpc.Scheme = endpoint, "http"
		results := reflect.ValueOf(client).MethodByName(o.Action).Call([]reflect.Value{reflect.ValueOf(request)})
		if err, failed := results[1].Interface().(error); failed {
			return nil, err
		}
		return results[0].Interface(), nil
	}
}

func classicCommon(method, format string) call {
	client, err := domain.NewClientWithAccessKey("cn-hangzhou", key, secret)
	if err != nil {
		panic(err)
	}
	return func(o order) (any, error) {
		request := requests.NewCommonRequest()
		request.Method, request.Scheme, request.Domain = method, "http", endpoint
		request.Product, request.Version, request.ApiName = "Domain", version, o.Action
		request.QueryParams["Format"] = format
		for name, value := range o.Parameters {
			request.QueryParams[name] = value
		}
		response, err := client.ProcessCommonRequest(request)
		if err != nil {
			return nil, err
		}
		var body any
		return body, json.Unmarshal(response.GetHttpContentBytes(), &body)
	}
}

func teaConfig(signatureAlgorithm *string) *openapi.Config {
	return &openapi.Config{
		AccessKeyId: tea.String(key), AccessKeySecret: tea.String(secret), Endpoint: tea.String(endpoint),
		Protocol: tea.String("HTTP"), SignatureAlgorithm: signatureAlgorithm,
	}
}

// The typed requests of the Tea SDK, which has pointers to texts, numbers and booleans.
var teaRequests = map[string]func() any{
	"SubmitEmailVerification": func() any { return &teadomain.SubmitEmailVerificationRequest{} },
	"ResendEmailVerification": func() any { return &teadomain.ResendEmailVerificationRequest{} },
	"VerifyEmail":             func() any { return &teadomain.VerifyEmailRequest{} },
	"QueryEmailVerification":  func() any { return &teadomain.QueryEmailVerificationRequest{} },
	"ListEmailVerification":   func() any { return &teadomain.ListEmailVerificationRequest{} },
	"DeleteEmailVerification": func() any { return &teadomain.DeleteEmailVerificationRequest{} },
	"EmailVerified":           func() any { return &teadomain.EmailVerifiedRequest{} },
}

func teaTyped(signatureAlgorithm *string) call {
	client, err := teadomain.NewClient(teaConfig(signatureAlgorithm))
	if err != nil {
		panic(err)
	}
	return func(o order) (any, error) {
		create, found := teaRequests[o.Action]
		if !found {
			return teaCall(signatureAlgorithm)(o)
		}
		request := reflect.ValueOf(create())
		for name, value := range o.Parameters {
			field := request.Elem().FieldByName(name)
			pointer := reflect.New(field.Type().Elem())
			setText(pointer.Elem(), value)
			field.Set(pointer)
		}
		results := reflect.ValueOf(client).MethodByName(o.Action).Call([]reflect.Value{request})
		if err, failed := results[1].Interface().(error); failed {
			return nil, err
		}
		return results[0].Elem().FieldByName("Body").Interface(), nil
	}
}

func setText(field reflect.Value, text string) {
	switch field.Kind() {
	case reflect.Bool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			panic(err)
		}
		field.SetBool(value)
	case reflect.Int32, reflect.Int64:
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic(err)
		}
		field.SetInt(value)
	default:
		field.SetString(text)
	}
}

func teaCall(signatureAlgorithm *string) call {
	client, err := openapi.NewClient(teaConfig(signatureAlgorithm))
	if err != nil {
		panic(err)
	}
	return func(o order) (any, error) {
		query := map[string]*string{}
		for name, value := range o.Parameters {
			query[name] = tea.String(value)
		}
		params := &openapi.Params{
			Action: tea.String(o.Action), Version: tea.String(version), Protocol: tea.String("HTTP"), Pathname: tea.String("/"),
			Method: tea.String("POST"), AuthType: tea.String("AK"), Style: tea.String("RPC"), ReqBodyType: tea.String("formData"),
			BodyType: tea.String("json"),
		}
		answer, err := client.CallApi(params, &openapi.OpenApiRequest{Query: query}, &dara.RuntimeOptions{})
		if err != nil {
			return nil, err
		}
		return answer["body"], nil
	}
}

// The older SDK of the community. It has no module for Domain; its users call an operation by the client that all modules share.
func aliyungo(invoke func(client *common.Client, action string, values url.Values, body any) error) call {
	client := &common.Client{}
	client.Init("http://"+endpoint+"/", version, key, secret)
	return func(o order) (any, error) {
		values := url.Values{}
		for name, value := range o.Parameters {
			values.Set(name, value)
		}
		var body any
		err := invoke(client, o.Action, values, &body)
		return body, err
	}
}

func aliyungoGet(client *common.Client, action string, values url.Values, body any) error {
	return client.Invoke(action, values, body)
}

func aliyungoPost(client *common.Client, action string, values url.Values, body any) error {
	return client.InvokeByAnyMethod("POST", action, "", values, body)
}

func makeCall(kind string) call {
	switch kind {
	case "classic-typed":
		return classicTyped()
	case "classic-get":
		return classicCommon("GET", "JSON")
	case "tea":
		return teaCall(nil)
	case "tea-v1":
		return teaCall(tea.String("v2"))
	case "tea-typed":
		return teaTyped(nil)
	case "tea-typed-v1":
		return teaTyped(tea.String("v2"))
	case "aliyungo-get":
		return aliyungo(aliyungoGet)
	case "aliyungo-post":
		return aliyungo(aliyungoPost)
	}
	panic("unknown kind " + kind)
}

func describe(err error) map[string]any {
	var classic *sdkerrors.ServerError
	if errors.As(err, &classic) {
		return map[string]any{"code": classic.ErrorCode(), "status": classic.HttpStatus(), "message": classic.Message()}
	}
	var older *common.Error
	if errors.As(err, &older) {
		return map[string]any{"code": older.Code, "status": older.StatusCode, "message": older.Message}
	}
	described := map[string]any{"code": "", "status": nil, "message": err.Error()}
	if coded, ok := err.(interface{ GetCode() *string }); ok {
		described["code"] = tea.StringValue(coded.GetCode())
	}
	if stated, ok := err.(interface{ GetStatusCode() *int }); ok {
		described["status"] = tea.IntValue(stated.GetStatusCode())
	}
	var sdk *tea.SDKError
	if errors.As(err, &sdk) {
		described["code"], described["status"] = tea.StringValue(sdk.Code), tea.IntValue(sdk.StatusCode)
	}
	return described
}

func main() {
	perform := makeCall(os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		answer := map[string]any{}
		if body, err := perform(o); err != nil {
			answer["error"] = describe(err)
		} else {
			answer["body"] = body
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
