use kv_runtime::KvEntity;

macro_rules! entity {
    ($name:ident, $text:ty) => {
        #[derive(KvEntity)]
        #[kv(prefix = "user")]
        struct $name {
            #[kv(id)]
            id: u64,
            name: $text,
            other: Option<$text>,
        }
    };
}

entity!(User, &'static str);

fn main() {}
