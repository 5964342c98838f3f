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
import org.junit.jupiter.api.Test;

/** Offline tests of the application: alimock run -- mvn -q test */
class SignupTest {
    private final Signup signup = new Signup(System.getenv("ALIMOCK_ENDPOINT"), ProtocolType.HTTP);

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
        control("PUT", "addresses/busy@example.com", "quota-exceeded");
        control("PUT", "addresses/odd@example.com", "illegal");
        assertEquals("try again tomorrow", signup.invite("busy@example.com"));
        assertEquals("please check the address", signup.invite("odd@example.com"));
    }

    @Test
    void linkExpiresAfterThreeDays() throws Exception {
        signup.invite("al@example.com");
        String token = waitForToken("al@example.com");
        control("POST", "clock/advance", "{\"by\": \"3d\"}");
        ClientException error = assertThrows(ClientException.class, () -> signup.confirm(token));
        assertEquals("ParameterIllegal", error.getErrCode());
    }

    private static String waitForToken(String email) throws Exception {
        return control("GET", "outbox/wait?to=" + email, "").getAsJsonObject("message").get("token").getAsString();
    }

    /** Send a request to the control API of alimock. */
    private static JsonObject control(String method, String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("ALIMOCK_URL") + "/_alimock/" + path))
            .method(method, BodyPublishers.ofString(body)).build();
        HttpResponse<String> response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        assertEquals(2, response.statusCode() / 100, response.body());
        return JsonParser.parseString(response.body()).getAsJsonObject();
    }
}
