use kv_runtime::KvId;

#[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
#[kv(rename_all = "lowercase")]
enum Flag {
    NewHome,
    Newhome,
    #[kv(rename = "newhome")]
    Other,
}

fn main() {}
