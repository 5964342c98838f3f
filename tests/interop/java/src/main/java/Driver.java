import com.aliyun.tea.TeaException;
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.teaopenapi.models.OpenApiRequest;
import com.aliyun.teaopenapi.models.Params;
import com.aliyun.teautil.models.RuntimeOptions;
import com.aliyuncs.AcsRequest;
import com.aliyuncs.AcsResponse;
import com.aliyuncs.CommonRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.http.FormatType;
import com.aliyuncs.http.MethodType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Call alimock through one of the Java SDKs: reads one {"action", "parameters"} per line and writes one {"body"} or {"error"} per line.
 * usage: Driver json|xml|json-v3|xml-v3|json-get|tea|tea-v1
 */
public class Driver {
    private static final String MODELS = "com.aliyuncs.domain.model.v20180129.";

    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(System.out, true, "UTF-8");
        DefaultProfile profile =
            DefaultProfile.getProfile("cn-hangzhou", System.getenv("ACCESS_KEY_ID"), System.getenv("ACCESS_KEY_SECRET"));
        DefaultAcsClient client = new DefaultAcsClient(profile);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Gson gson = new GsonBuilder().create();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject order = JsonParser.parseString(line).getAsJsonObject();
            JsonObject answer = new JsonObject();
            try {
                boolean isTea = arguments[0].startsWith("tea");
                answer.add("body", isTea ? tea(gson, arguments[0], order) : call(client, gson, arguments[0], order));
            } catch (TeaException refused) {
                JsonObject error = new JsonObject();
                error.addProperty("code", refused.getCode());
                error.addProperty("message", refused.getMessage());
                answer.add("error", error);
            } catch (ClientException refused) {
                JsonObject error = new JsonObject();
                error.addProperty("code", refused.getErrCode());
                error.addProperty("message", refused.getErrMsg());
                answer.add("error", error);
            }
            output.println(gson.toJson(answer));
        }
        System.exit(0);
    }

    private static JsonElement call(DefaultAcsClient client, Gson gson, String kind, JsonObject order) throws Exception {
        String action = order.get("action").getAsString();
        AcsRequest<?> request;
        try {
            request = (AcsRequest<?>) Class.forName(MODELS + action + "Request").getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException unknown) {
            return common(client, kind, action);
        }
        for (Map.Entry<String, JsonElement> parameter : order.getAsJsonObject("parameters").entrySet()) {
            set(request, "set" + parameter.getKey(), parameter.getValue().getAsString());
        }
        request.setSysEndpoint(System.getenv("ENDPOINT"));
        request.setSysProtocol(ProtocolType.HTTP);
        request.setSysMethod(kind.endsWith("get") ? MethodType.GET : MethodType.POST);
        request.setAcceptFormat(kind.startsWith("xml") ? FormatType.XML : FormatType.JSON);
        if (kind.endsWith("v3")) {
            request.setSysSignatureVersion(com.aliyuncs.auth.SignatureVersion.V3);
        }
        AcsResponse response = client.getAcsResponse(request);
        return upper(gson.toJsonTree(response));
    }

    /** The core of the Tea SDKs; the typed one of Domain is a thin layer above it. */
    private static JsonElement tea(Gson gson, String kind, JsonObject order) throws Exception {
        Config config = new Config()
            .setAccessKeyId(System.getenv("ACCESS_KEY_ID")).setAccessKeySecret(System.getenv("ACCESS_KEY_SECRET"))
            .setEndpoint(System.getenv("ENDPOINT")).setProtocol("HTTP")
            .setSignatureAlgorithm(kind.endsWith("v1") ? "v2" : null);
        Params params = new Params()
            .setAction(order.get("action").getAsString()).setVersion(System.getenv("VERSION")).setProtocol("HTTP").setPathname("/")
            .setMethod("POST").setAuthType("AK").setStyle("RPC").setReqBodyType("formData").setBodyType("json");
        Map<String, String> query = new HashMap<>();
        for (Map.Entry<String, JsonElement> parameter : order.getAsJsonObject("parameters").entrySet()) {
            query.put(parameter.getKey(), parameter.getValue().getAsString());
        }
        OpenApiRequest request = new OpenApiRequest().setQuery(query);
        return gson.toJsonTree(new com.aliyun.teaopenapi.Client(config).callApi(params, request, new RuntimeOptions()).get("body"));
    }

    private static JsonElement common(DefaultAcsClient client, String kind, String action) throws Exception {
        CommonRequest request = new CommonRequest();
        request.setSysDomain(System.getenv("ENDPOINT"));
        request.setSysVersion(System.getenv("VERSION"));
        request.setSysAction(action);
        request.setSysProtocol(ProtocolType.HTTP);
        return JsonParser.parseString(client.getCommonResponse(request).getData());
    }

    private static void set(Object request, String setter, String text) throws Exception {
        for (Method method : request.getClass().getMethods()) {
            if (method.getName().equals(setter) && method.getParameterCount() == 1) {
                Class<?> type = method.getParameterTypes()[0];
                Object value = type == Integer.class ? (Object) Integer.valueOf(text)
                    : type == Long.class ? (Object) Long.valueOf(text)
                    : type == Boolean.class ? (Object) Boolean.valueOf(text)
                    : text;
                method.invoke(request, value);
                return;
            }
        }
        throw new IllegalArgumentException(setter);
    }

    /** The fields of a Java object begin with a small letter; the names on the wire do not. */
    private static JsonElement upper(JsonElement element) {
        if (element.isJsonArray()) {
            com.google.gson.JsonArray array = new com.google.gson.JsonArray();
            element.getAsJsonArray().forEach(item -> array.add(upper(item)));
            return array;
        }
        if (!element.isJsonObject()) {
            return element;
        }
        JsonObject object = new JsonObject();
        for (Map.Entry<String, JsonElement> entry : element.getAsJsonObject().entrySet()) {
            object.add(Character.toUpperCase(entry.getKey().charAt(0)) + entry.getKey().substring(1), upper(entry.getValue()));
        }
        return object;
    }
}
