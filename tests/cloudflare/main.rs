//! Cloudflare KV over its REST API: in Cloudflare's local runtime, beside JavaScript, and against a
//! server whose answers a test sets. `workers` has the stores that run inside a Worker.

mod conformance;
mod faults;
mod interop;
mod last_write;
mod local;
mod recorded;
mod server;
mod workers;

type Test<T = ()> = Result<T, Box<dyn std::error::Error>>;
