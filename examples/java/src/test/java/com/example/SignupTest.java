package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.aliyuncs.exceptions.ClientException;
import com.aliyuncs.http.ProtocolType;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Offline tests of the application: alimock run -- mvn -q test. Each test has an account of its own. */
class SignupTest {
    private static final String SECRET = System.getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET");
    // JUnit creates an object of this class for each test.
    private final String key = UUID.randomUUID().toString();
    private final Signup signup = new Signup(System.getenv("ALIMOCK_ENDPOINT"), ProtocolType.HTTP, key, SECRET);

    /** Register the key, so that its signatures are checked. */
    @BeforeEach
    void register() throws Exception {
        send("PUT", "access-keys/" + key, "{\"secret\": \"" + SECRET + "\"}");
    }

    @Test
    void userConfirmsAnAddressWithTheTokenOfTheEmail() throws Exception {
        assertEquals("check your inbox", signup.invite("jo@example.com"));
        String token = waitForToken("jo@example.com");
        assertFalse(signup.isVerified("jo@example.com"));
        signup.confirm(token);
        assertTrue(signup.isVerified("jo@example.com"));
    }

    @Test
    void rejectedAddressGetsAnExplanation() throws Exception {
        send("PUT", "addresses/busy@example.com?access_key_id=" + key, "quota-exceeded");
        send("PUT", "addresses/odd@example.com?access_key_id=" + key, "illegal");
        assertEquals("try again tomorrow", signup.invite("busy@example.com"));
        assertEquals("please check the address", signup.invite("odd@example.com"));
    }

    @Test
    void linkExpiresAfterThreeDays() throws Exception {
        signup.invite("al@example.com");
        String token = waitForToken("al@example.com");
        send("POST", "clock/advance?access_key_id=" + key, "{\"by\": \"3d\"}");
        ClientException error = assertThrows(ClientException.class, () -> signup.confirm(token));
        assertEquals("ParameterIllegal", error.getErrCode());
    }

    private String waitForToken(String email) throws Exception {
        JsonObject answer = send("GET", "outbox/wait?to=" + email + "&access_key_id=" + key, "");
        return answer.getAsJsonObject("message").get("token").getAsString();
    }

    /** Send a request to the control API of alimock. */
    private static JsonObject send(String method, String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("ALIMOCK_URL") + "/_alimock/" + path))
            .method(method, BodyPublishers.ofString(body)).build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        assertEquals(2, response.statusCode() / 100, response.body());
        return JsonParser.parseString(response.body()).getAsJsonObject();
    }
}
