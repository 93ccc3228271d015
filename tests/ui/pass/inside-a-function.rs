use kv_runtime::{KvEntity, KvId};

fn main() {
    #[derive(KvId, Debug, Clone, PartialEq, Eq, Hash)]
    struct Id(u64);

    #[derive(KvEntity)]
    #[kv(prefix = "local", group = "a", group(name = "b"))]
    struct Local {
        #[kv(id)]
        id: Id,
        first: Inner,
        #[kv(group = "b")]
        second: u8,
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Inner(u8);

    let local = Local { id: Id(1), first: Inner(2), second: 3 };
    assert_eq!(local.id(), Id(1));
    assert_eq!(LocalB { id: Id(1), second: local.second }.id(), Id(1));
    assert_eq!(local.first.0, 2);
    {
        // A second one of the same name is another one.
        #[derive(KvEntity)]
        #[kv(prefix = "other")]
        struct Local {
            #[kv(id)]
            id: u8,
        }
        assert_eq!(Local { id: 1 }.id(), 1);
    }
}
