//! The example `sessions` shows what it promises.

use examples_support::testing::{Result, is_its_header, run, says_its_usage, shows};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sessions");

const NOTHING: [&str; 0] = [];

#[test]
fn shows_what_it_promises() -> Result {
    let shown = run(PROGRAM, NOTHING)?;
    is_its_header(&shown, include_str!("../src/main.rs"));
    shows(
        &shown,
        &[
            "before                            401 Unauthorized",
            "set-cookie: id=(a secret); HttpOnly; SameSite=Strict; Path=/; Max-Age=86400",
            "240 requests in four hours, 48 writes",
            "four hours later                  200 OK",
            "after thirty minutes              401 Unauthorized",
            "which ends after the log-out      200 OK",
            "with the cookie from before       401 Unauthorized",
            "0 sessions are left in the store",
        ],
    );
    Ok(())
}

#[test]
fn refuses_other_arguments() -> Result {
    let usage = "[--port PORT [--store URL] [--idle SECONDS]]";
    for wrong in ["--sotre", "--port"] {
        says_its_usage(PROGRAM, usage, wrong)?;
    }
    let refused = run(PROGRAM, ["--port", "http"]).unwrap_err().to_string();
    shows(&refused, &["\nerror: --port http: invalid digit found in string"]);
    Ok(())
}
