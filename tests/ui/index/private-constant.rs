use users::{Admin, User};

mod users {
    use kv_runtime::KvEntity;

    #[derive(KvEntity)]
    #[kv(prefix = "user")]
    pub(crate) struct User {
        #[kv(id)]
        id: u64,
        #[kv(unique)]
        email: String,
    }

    #[derive(KvEntity)]
    #[kv(prefix = "admin")]
    struct Private {
        #[kv(id)]
        id: u64,
        #[kv(unique)]
        email: String,
    }

    pub(crate) type Admin = Private;
}

fn main() {
    let _ = User::EMAIL;
    let _ = Admin::EMAIL;
}
