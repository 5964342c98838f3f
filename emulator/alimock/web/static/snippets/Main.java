// Maven: com.aliyun:aliyun-java-sdk-core:4.7.10 and com.aliyun:aliyun-java-sdk-domain:3.14.11
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.domain.model.v20180129.SubmitEmailVerificationRequest;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.Gson;

public class Main {
    public static void main(String[] arguments) throws Exception {
        DefaultProfile profile = DefaultProfile.getProfile("cn-hangzhou", "{{access_key_id}}", "{{access_key_secret}}");
        SubmitEmailVerificationRequest request = new SubmitEmailVerificationRequest();
        request.setSysEndpoint("{{endpoint}}");
        request.setSysProtocol(ProtocolType.valueOf("{{protocol}}".toUpperCase()));
        request.setEmail("jo@example.com");
        System.out.println(new Gson().toJson(new DefaultAcsClient(profile).getAcsResponse(request)));
    }
}
