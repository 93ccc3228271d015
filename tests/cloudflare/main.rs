//! Cloudflare KV over its REST API: in Cloudflare's local runtime, beside JavaScript, and against a server that answers what a test says.

mod conformance;
mod faults;
mod interop;
mod last_write;
mod local;
mod recorded;
mod server;

type Test = Result<(), Box<dyn std::error::Error>>;
