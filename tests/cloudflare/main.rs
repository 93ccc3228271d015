//! Cloudflare KV over its REST API: in Cloudflare's local runtime, beside JavaScript, and against a server that answers what a test says.

mod conformance;
mod local;

type Test = Result<(), Box<dyn std::error::Error>>;
