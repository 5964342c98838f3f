//! Call alimock through the Rust SDK: reads one {"action", "parameters"} per line and writes one {"body"} or {"error"} per line.
//! usage: driver get|post

use std::{env, io};

use aliyun_openapi_core_rust_sdk::client::{error::Error, rpc::RPClient};
use serde_json::{json, Value};

fn variable(name: &str) -> String {
    env::var(name).expect(name)
}

async fn call(client: RPClient, method: &str, order: &Value) -> Value {
    let parameters = order["parameters"].as_object().expect("parameters");
    let query = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a string")));
    let request = client.request(method, order["action"].as_str().expect("action")).query(query);
    match request.json::<Value>().await {
        Ok(body) => json!({ "body": body }),
        Err(Error::InvalidResponse { error_code, error_message, .. }) => {
            json!({ "error": { "code": error_code, "message": error_message } })
        }
        Err(error) => json!({ "error": { "code": "", "message": error.to_string() } }),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let method = env::args().nth(1).expect("a method").to_uppercase();
    let endpoint = format!("http://{}/", variable("ENDPOINT"));
    let client = RPClient::new(variable("ACCESS_KEY_ID"), variable("ACCESS_KEY_SECRET"), endpoint).version(variable("VERSION"));
    for line in io::stdin().lines() {
        let order = serde_json::from_str(&line.expect("a line")).expect("JSON");
        println!("{}", call(client.clone(), &method, &order).await);
    }
}
