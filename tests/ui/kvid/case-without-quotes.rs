use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[kv(rename_all = kebab_case)]
enum Flag {
    NewHome,
}

fn main() {}
