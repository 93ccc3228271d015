//! From a URL to a store, and what to say of one that leads nowhere.

use kv_store::store::MemoryStore;
use kv_store::{Clock, Error, Result};

use super::choice::AnyStore;

/// A scheme, the feature that its store takes, and a URL of it.
struct Scheme {
    name: &'static str,
    /// None where the store is always there.
    feature: Option<&'static str>,
    is_built: bool,
    example: &'static str,
}

const SCHEMES: [Scheme; 17] = [
    Scheme { name: "memory", feature: None, is_built: true, example: "memory:" },
    scheme("redb", "redb", cfg!(feature = "redb"), "redb:app.redb"),
    scheme("redis", "redis", cfg!(feature = "redis"), "redis://127.0.0.1:6379"),
    scheme("rediss", "redis-tls", cfg!(feature = "redis-tls"), "rediss://host"),
    scheme("redis+unix", "redis", cfg!(feature = "redis"), "redis+unix:///run/redis.sock"),
    scheme("redis+sentinel", "redis", cfg!(feature = "redis"), "redis+sentinel://host,host/name"),
    scheme("rediss+sentinel", "redis-tls", cfg!(feature = "redis-tls"), "rediss+sentinel://host,host/name"),
    scheme("valkey", "redis", cfg!(feature = "redis"), "valkey://127.0.0.1:6379"),
    scheme("valkeys", "redis-tls", cfg!(feature = "redis-tls"), "valkeys://host"),
    scheme("valkey+unix", "redis", cfg!(feature = "redis"), "valkey+unix:///run/valkey.sock"),
    scheme("valkey+sentinel", "redis", cfg!(feature = "redis"), "valkey+sentinel://host,host/name"),
    scheme("valkeys+sentinel", "redis-tls", cfg!(feature = "redis-tls"), "valkeys+sentinel://host,host/name"),
    scheme("valkey+cluster", "redis-cluster", cfg!(feature = "redis-cluster"), "valkey+cluster://host,host"),
    scheme(
        "valkeys+cluster",
        "redis-cluster` and `redis-tls",
        cfg!(all(feature = "redis-cluster", feature = "redis-tls")),
        "valkeys+cluster://host,host",
    ),
    scheme("redis+cluster", "redis-cluster", cfg!(feature = "redis-cluster"), "redis+cluster://host,host"),
    scheme(
        "rediss+cluster",
        "redis-cluster` and `redis-tls",
        cfg!(all(feature = "redis-cluster", feature = "redis-tls")),
        "rediss+cluster://host,host",
    ),
    scheme(
        "cloudflare-kv",
        "cloudflare",
        cfg!(all(feature = "cloudflare", not(target_arch = "wasm32"))),
        "cloudflare-kv://account/namespace",
    ),
];

const fn scheme(name: &'static str, feature: &'static str, is_built: bool, example: &'static str) -> Scheme {
    Scheme { name, feature: Some(feature), is_built, example }
}

pub(super) async fn connect(url: &str, clock: Clock) -> Result<AnyStore> {
    let Some((name, rest)) = url.split_once(':') else { return Err(without_scheme(url)) };
    match SCHEMES.iter().find(|known| known.name == name) {
        None => return Err(unknown(url, name)),
        Some(Scheme { is_built: false, feature: Some(feature), .. }) => return Err(not_built(url, feature)),
        Some(_) => {}
    }
    match name {
        #[cfg(feature = "redb")]
        "redb" => redb(url, rest, clock),
        #[cfg(feature = "redis")]
        name if name.starts_with("redis") || name.starts_with("valkey") => {
            kv_runtime_redis::RedisStore::options().clock(clock).connect(url).await.map(AnyStore::Redis)
        }
        #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
        "cloudflare-kv" => cloudflare(url, rest, std::env::var(TOKEN).ok(), clock),
        _ => memory(url, rest, clock),
    }
}

/// Where the token for Cloudflare is. In the URL it would end up where URLs do: logs, histories,
/// lists of processes.
#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
const TOKEN: &str = "CLOUDFLARE_API_TOKEN";

#[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
fn cloudflare(url: &str, rest: &str, token: Option<String>, clock: Clock) -> Result<AnyStore> {
    let (ids, query) = rest.split_once('?').map_or((rest, None), |(ids, query)| (ids, Some(query)));
    let ids = ids.strip_prefix("//").and_then(|ids| ids.split_once('/'));
    let Some((account, namespace)) = ids.filter(|(account, _)| !account.contains('@')) else {
        return Err(invalid(url, "write `cloudflare-kv://account/namespace`, by their identifiers"));
    };
    let Some(token) = token else {
        return Err(invalid(url, format!("the environment variable `{TOKEN}` has to hold the API token")));
    };
    let mut options = kv_runtime_cloudflare::CloudflareStore::options(account, namespace, token);
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        let Some(base) = parameter.strip_prefix("base_url=") else {
            return Err(invalid(url, "it has a parameter that is unknown; there is `?base_url=...` alone"));
        };
        options = options.base_url(percent_encoding::percent_decode_str(base).decode_utf8_lossy());
    }
    options.clock(clock).open().map(AnyStore::Cloudflare)
}

fn memory(url: &str, rest: &str, clock: Clock) -> Result<AnyStore> {
    if !rest.is_empty() {
        return Err(invalid(url, "a store in memory has no name; write `memory:`"));
    }
    Ok(AnyStore::Memory(MemoryStore::with_clock(clock)))
}

#[cfg(feature = "redb")]
fn redb(url: &str, path: &str, clock: Clock) -> Result<AnyStore> {
    if path.is_empty() {
        return Err(invalid(url, "the path of the file is missing; write `redb:app.redb`"));
    }
    // Only a shell knows home directories; this would be a directory of that name.
    if path.starts_with("~/") {
        return Err(invalid(
            url,
            "`~` is not expanded; write the whole path, such as `redb:/home/me/app.redb`",
        ));
    }
    // A path of two slashes is allowed and never meant.
    if let Some(path) = path.strip_prefix("//") {
        return Err(invalid(url, format!("a file has no host; write `redb:{path}`")));
    }
    // Without this, a parameter that a URL of Redis takes would become part of the file's name.
    if path.contains('?') {
        let advice =
            "a URL of a file has no parameters; open a file with `?` in its name by `RedbStore::open`";
        return Err(invalid(url, advice));
    }
    kv_runtime_redb::RedbStore::options().clock(clock).open(path).map(AnyStore::Redb)
}

fn without_scheme(url: &str) -> Error {
    let guess = if url.ends_with(".redb") {
        format!("write `redb:{url}`")
    } else {
        format!("write one of {}", examples())
    };
    invalid(url, format!("there is no scheme; {guess}"))
}

fn not_built(url: &str, feature: &str) -> Error {
    invalid(url, format!("this program was built without the feature `{feature}` of kv-runtime"))
}

fn unknown(url: &str, scheme: &str) -> Error {
    let guess = match nearest(scheme) {
        Some(example) => format!("did you mean `{example}`?"),
        None => format!("write one of {}", examples()),
    };
    invalid(url, format!("there is no store of this scheme; {guess}"))
}

fn invalid(url: &str, what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::InvalidUrl { url: without_secrets(url), what: what.into() }
}

/// The URL without what may be a secret: whatever stands before an `@` but the scheme, and the
/// query.
fn without_secrets(url: &str) -> String {
    let without_query = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    // A password may hold any character, so nothing ends before the last `@`.
    let Some((user, host)) = url.rsplit_once('@') else { return without_query(url) };
    let host = without_query(host);
    let scheme = user.split_once("://").map_or("", |(scheme, _)| scheme);
    if scheme.is_empty() { format!("***@{host}") } else { format!("{scheme}://***@{host}") }
}

fn examples() -> String {
    let examples: Vec<String> = SCHEMES
        .iter()
        // Those of Valkey are the same with another word.
        .filter(|scheme| scheme.is_built && !scheme.name.starts_with("valkey"))
        .map(|scheme| format!("`{}`", scheme.example))
        .collect();
    examples.join(", ")
}

/// An example of the known scheme that is nearest to this one, if one is near.
fn nearest(scheme: &str) -> Option<&'static str> {
    let scheme = scheme.to_ascii_lowercase();
    let near = |known: &Scheme| {
        let changes = strsim::damerau_levenshtein(&scheme, known.name);
        (changes <= known.name.len().div_ceil(3)).then_some((changes, known.name, known.example))
    };
    SCHEMES.iter().filter_map(near).min().map(|(.., example)| example)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(url: &str) -> String {
        connect(url, Clock::system()).await.map(drop).expect_err("leads nowhere").to_string()
    }

    #[tokio::test]
    async fn errors_teach_the_right_spelling() {
        let examples = examples();
        for (url, expected) in [
            ("memory:x", "`memory:x`: a store in memory has no name; write `memory:`".to_owned()),
            ("Memory:", "`Memory:`: there is no store of this scheme; did you mean `memory:`?".to_owned()),
            ("redbb:a", "`redbb:a`: there is no store of this scheme; did you mean `redb:app.redb`?".to_owned()),
            (
                "cloudflare://a/n",
                "`cloudflare://a/n`: there is no store of this scheme; did you mean `cloudflare-kv://account/namespace`?"
                    .to_owned(),
            ),
            ("app.redb", "`app.redb`: there is no scheme; write `redb:app.redb`".to_owned()),
            ("", format!("``: there is no scheme; write one of {examples}")),
            (
                "postgres://h/d",
                format!("`postgres://h/d`: there is no store of this scheme; write one of {examples}"),
            ),
        ] {
            assert_eq!(told(url).await, expected);
        }
    }

    #[cfg(feature = "redb")]
    #[tokio::test]
    async fn a_path_is_one() {
        assert_eq!(
            told("redb:a.redb?list_index=true").await,
            "`redb:a.redb`: a URL of a file has no parameters; open a file with `?` in its name by `RedbStore::open`"
        );
        assert_eq!(told("redb:").await, "`redb:`: the path of the file is missing; write `redb:app.redb`");
        assert_eq!(
            told("redb:~/app.redb").await,
            "`redb:~/app.redb`: `~` is not expanded; write the whole path, such as `redb:/home/me/app.redb`"
        );
        assert_eq!(
            told("redb://app.redb").await,
            "`redb://app.redb`: a file has no host; write `redb:app.redb`"
        );
        assert_eq!(
            told("redb:///var/a.redb").await,
            "`redb:///var/a.redb`: a file has no host; write `redb:/var/a.redb`"
        );
        assert_eq!(
            told("redb:/nowhere/at/all/a.redb").await,
            "/nowhere/at/all/a.redb in redb: the store failed to open its file: its directory does not exist; make it first"
        );
    }

    #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
    #[test]
    fn a_token_is_in_the_environment_alone() {
        let connect = |url: &str, token: Option<&str>| {
            let rest = url_rest(url);
            cloudflare(url, rest, token.map(str::to_owned), Clock::system())
                .map_err(|error| error.to_string())
        };
        assert!(connect("cloudflare-kv://a1/b2", Some("hunter2")).is_ok());
        for base in ["http://127.0.0.1:8787/client/v4", "http%3A%2F%2Flocalhost%3A1", "https://kv.example"] {
            assert!(
                connect(&format!("cloudflare-kv://a1/b2?base_url={base}"), Some("hunter2")).is_ok(),
                "{base}"
            );
        }
        // The token goes nowhere in the clear.
        let told = connect("cloudflare-kv://a1/b2?base_url=http://kv.example", Some("hunter2"));
        assert!(told.is_err_and(|told| told.contains("or `http` to this machine")));
        let error = connect("cloudflare-kv://a1/b2?token=hunter2", Some("hunter2")).expect_err("unknown");
        assert!(error.contains("`?base_url=...` alone") && !error.contains("hunter2"), "{error}");
        let error = connect("cloudflare-kv://a1/b2", None).expect_err("there is no token");
        assert!(error.ends_with("`CLOUDFLARE_API_TOKEN` has to hold the API token"), "{error}");
        for url in ["cloudflare-kv:a1/b2", "cloudflare-kv://a1", "cloudflare-kv://hunter2@a1/b2"] {
            let error = connect(url, Some("hunter2")).expect_err("no such URL");
            assert!(error.contains("write `cloudflare-kv://account/namespace`"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[cfg(all(feature = "cloudflare", not(target_arch = "wasm32")))]
    fn url_rest(url: &str) -> &str {
        url.split_once(':').map_or("", |(_, rest)| rest)
    }

    #[cfg(feature = "redis")]
    #[tokio::test]
    async fn a_server_that_is_not_there_is_the_stores_own_error() {
        // Port 1 of this machine: nobody listens there.
        let error =
            connect("redis://user:hunter2@127.0.0.1:1", Clock::system()).await.expect_err("nobody listens");
        assert!(matches!(error, Error::Store { .. }) && error.is_retryable(), "{error:?}");
        let told = error.to_string();
        assert!(
            told.starts_with("redis at 127.0.0.1:1: the store failed to connect: nobody listens there"),
            "{told}"
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }

    #[cfg(not(feature = "redb"))]
    #[tokio::test]
    async fn a_feature_that_is_off_is_named() {
        let told = told("redb:app.redb").await;
        assert!(told.contains("built without the feature `redb` of kv-runtime"), "{told}");
    }

    #[tokio::test]
    async fn no_password_is_shown() {
        for url in [
            "reddis://user:hunter2@localhost:6379/1?password=hunter2",
            "reddis://:hunter2@localhost",
            "user:hunter2@localhost",
            "hunter2@localhost",
            "reddis://user:hunter2@x@localhost",
            "reddis://user:hunter2/x@localhost",
            "reddis://user:hunter2?x@localhost?y=hunter2",
            "reddis://user:hunter2#x@localhost",
        ] {
            let told = told(url).await;
            assert!(!told.contains("hunter2") && told.contains("***@localhost"), "{told}");
        }
    }
}
