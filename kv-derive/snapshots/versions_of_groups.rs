#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths, private_bounds)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "Device",
        rename = "Device",
        crate = "__kv::serde",
        bound(serialize = "")
    )]
    struct __Write0<T> {
        online: bool,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "Device",
        crate = "__kv::serde",
        bound(deserialize = ""),
        expecting = "struct Device"
    )]
    struct __Read0<T> {
        online: bool,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "Device",
        rename = "Device",
        crate = "__kv::serde",
        bound(serialize = "T : __kv :: serde :: Serialize")
    )]
    struct __Write1<T> {
        value: T,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "Device",
        crate = "__kv::serde",
        bound(deserialize = "T : __kv :: serde :: de :: DeserializeOwned"),
        expecting = "struct Device"
    )]
    struct __Read1<T> {
        value: T,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Serialize)]
    #[serde(
        remote = "Device",
        rename = "Device",
        crate = "__kv::serde",
        bound(serialize = "")
    )]
    struct __Write2<T> {
        newest: String,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(
        rename = "Device",
        crate = "__kv::serde",
        bound(deserialize = ""),
        expecting = "struct Device"
    )]
    struct __Read2<T> {
        newest: String,
        #[serde(skip)]
        __marker: ::core::marker::PhantomData<fn() -> (T,)>,
    }
    #[automatically_derived]
    impl<T, __S: __kv::Store> __kv::StoredIn<__S> for Device<T> {}
    #[automatically_derived]
    impl<T> __kv::KvEntity for Device<T>
    where
        u64: __kv::KvId,
        Self: __kv::MaybeSend + __kv::MaybeSync + 'static,
        DeviceConfig<T>: __kv::KvEntity<Id = u64>,
        T: __kv::serde::Serialize,
        T: __kv::serde::de::DeserializeOwned,
    {
        type Id = u64;
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "Device",
                "device",
                &[__kv::IdSchema::new("id", <u64 as __kv::KvId>::KIND)],
                &[
                    __kv::GroupSchema::new(
                        ::core::option::Option::Some("state"),
                        1u32,
                        __kv::Codec::Json,
                    ),
                    __kv::GroupSchema::new(
                            ::core::option::Option::Some("config"),
                            3u32,
                            __kv::Codec::Json,
                        )
                        .with_oldest(2u32)
                        .with_steps(
                            &[
                                __kv::Step::new(
                                        3u32,
                                        __kv::Change::Function {
                                            name: "<Device<T>>::up",
                                            up: <Device<T>>::up,
                                            down: ::core::option::Option::None,
                                        },
                                    )
                                    .compatible(),
                            ],
                        ),
                    __kv::GroupSchema::new(
                            ::core::option::Option::Some("log"),
                            2u32,
                            __kv::Codec::Json,
                        )
                        .with_oldest(1u32)
                        .with_steps(
                            &[
                                __kv::Step::new(
                                    2u32,
                                    __kv::Change::Remove {
                                        name: "lines",
                                        default: ::core::option::Option::None,
                                    },
                                ),
                                __kv::Step::new(
                                        2u32,
                                        __kv::Change::Rename {
                                            from: "last",
                                            to: "newest",
                                        },
                                    )
                                    .compatible(),
                            ],
                        ),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            __kv::cloned(&self.id)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.id = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.id);
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0<T>>::serialize(self, __serializer),
                1 => <__Write1<T>>::serialize(self, __serializer),
                2 => <__Write2<T>>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0<T> = __groups.required(0)?;
            let __group1: __Read1<T> = match <DeviceConfig<
                T,
            > as __kv::KvEntity>::from_previous(&__id, __groups, 1)? {
                ::core::option::Option::Some(__new) => {
                    __Read1 {
                        value: __new.value,
                        __marker: ::core::marker::PhantomData,
                    }
                }
                ::core::option::Option::None => __groups.required(1)?,
            };
            let __group2: __Read2<T> = __groups.required(2)?;
            ::core::result::Result::Ok(Self {
                id: __id,
                online: __group0.online,
                value: __group1.value,
                newest: __group2.newest,
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0<T>,
            >(__visitor, 0, &[("online", "bool", &[])]);
            <__V as __kv::ShapeVisitor>::group::<
                __Read1<T>,
            >(__visitor, 1, &[("value", "T", &[])]);
            <ConfigV2<T> as __kv::KvEntity>::visit_as_previous(__visitor, 1);
            <__V as __kv::ShapeVisitor>::group::<
                __Read2<T>,
            >(__visitor, 2, &[("newest", "String", &[])]);
        }
    }
    #[automatically_derived]
    impl<T> __kv::Touch for Device<T>
    where
        Self: __kv::KvEntity,
    {}
};
/// The group `state` of [`Device`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "device",
    group = "state",
    version = 1,
    codec = "json",
    __view_of = "Device"
)]
struct DeviceState {
    #[kv(id)]
    id: u64,
    online: bool,
}
/// The group `config` of [`Device`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "device",
    group = "config",
    version = 3,
    codec = "json",
    oldest = 2,
    previous = ConfigV2<T>,
    step(2 = ><Device<T>>::up, compatible),
    __view_of = "Device"
)]
struct DeviceConfig<T> {
    #[kv(id)]
    id: u64,
    value: T,
}
/// The group `log` of [`Device`]: an entity by itself, under the same key.
#[derive(::kv_runtime::KvEntity)]
#[kv(
    prefix = "device",
    group = "log",
    version = 2,
    codec = "json",
    removed(name = "lines", since = 2),
    __view_of = "Device"
)]
struct DeviceLog {
    #[kv(id)]
    id: u64,
    #[kv(renamed(from = "last", since = 2, compatible))]
    newest: String,
}
