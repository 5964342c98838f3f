package com.example;

import com.aliyuncs.AcsRequest;
import com.aliyuncs.AcsResponse;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.IAcsClient;
import com.aliyuncs.domain.model.v20180129.QueryEmailVerificationRequest;
import com.aliyuncs.domain.model.v20180129.SubmitEmailVerificationRequest;
import com.aliyuncs.domain.model.v20180129.SubmitEmailVerificationResponse;
import com.aliyuncs.domain.model.v20180129.VerifyEmailRequest;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;

/** An application that verifies the email addresses of its users with the official SDK. Its endpoint is a setting. */
public class Signup {
    private final String endpoint;
    private final ProtocolType protocol;
    private final IAcsClient client;

    /** Verify addresses with the real service. The credentials come from the environment. */
    public Signup() {
        this("domain.aliyuncs.com", ProtocolType.HTTPS,
            System.getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
    }

    public Signup(String endpoint, ProtocolType protocol, String accessKeyId, String accessKeySecret) {
        this.endpoint = endpoint;
        this.protocol = protocol;
        client = new DefaultAcsClient(DefaultProfile.getProfile("cn-hangzhou", accessKeyId, accessKeySecret));
    }

    /** Send a verification email, and return a message for the user. */
    public String invite(String email) throws ClientException {
        SubmitEmailVerificationRequest request = new SubmitEmailVerificationRequest();
        request.setEmail(email);
        request.setSendIfExist(true);
        SubmitEmailVerificationResponse response = send(request);
        if (!response.getFailList().isEmpty()) {
            boolean isOverQuota = response.getFailList().get(0).getCode().equals("SendTokenQuotaExceeded");
            return isOverQuota ? "try again tomorrow" : "please check the address";
        }
        return response.getSuccessList().isEmpty() ? "already verified" : "check your inbox";
    }

    /** Confirm an address with the token of its link. */
    public void confirm(String token) throws ClientException {
        VerifyEmailRequest request = new VerifyEmailRequest();
        request.setToken(token);
        send(request);
    }

    public boolean isVerified(String email) throws ClientException {
        QueryEmailVerificationRequest request = new QueryEmailVerificationRequest();
        request.setEmail(email);
        return send(request).getVerificationStatus() == 1;
    }

    private <T extends AcsResponse> T send(AcsRequest<T> request) throws ClientException {
        request.setSysEndpoint(endpoint);
        request.setSysProtocol(protocol);
        return client.getAcsResponse(request);
    }
}
