struct Plain;

kv_runtime::schema! { App: Plain }

fn main() {}
