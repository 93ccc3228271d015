use kv_runtime::KvEntity;

#[derive(KvEntity)]
#[kv(prefix = "user")]
#[kv(index(name = "alone", on(tenant, id)))]
#[kv(index(name = "whole", on(tenant, id, email), unique))]
#[kv(index(name = "seen", on(tenant, email), shown))]
#[kv(index(name = "twice", on(tenant, email, tenant)))]
#[kv(index(name = "misspelt", on(tenent, email)))]
struct User {
    #[kv(id, secret)]
    tenant: String,
    #[kv(id)]
    id: u64,
    email: String,
}

fn main() {}
