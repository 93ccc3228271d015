use kv_runtime::{KvEntity, KvId};
use uuid::Uuid;

#[derive(KvEntity)]
#[kv(prefix = "device")]
struct Device {
    #[kv(id)]
    id: Uuid,
    name: String,
}

#[derive(KvId, Clone, PartialEq, Eq, Hash, Debug)]
struct DeviceId(Uuid);

fn main() {}
