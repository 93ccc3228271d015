#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[derive(__kv::serde::Serialize)]
    #[serde(remote = "Session", rename = "Session", crate = "__kv::serde")]
    struct __Write0 {
        #[serde(default)]
        user: u64,
    }
    #[derive(__kv::serde::Deserialize)]
    #[serde(rename = "Session", crate = "__kv::serde", expecting = "struct Session")]
    struct __Read0 {
        #[serde(default)]
        user: u64,
    }
    #[automatically_derived]
    impl<__S: __kv::Store> __kv::StoredIn<__S> for Session {}
    #[automatically_derived]
    impl __kv::KvEntity for Session
    where
        String: __kv::KvId,
        u64: __kv::MaybeSend + __kv::MaybeSync,
        u32: __kv::MaybeSend + __kv::MaybeSync,
    {
        type Id = String;
        const SCHEMA: __kv::EntitySchema = __kv::EntitySchema::new(
                "Session",
                "session",
                &[__kv::IdSchema::new("token", <String as __kv::KvId>::KIND).secret()],
                &[
                    __kv::GroupSchema::new(
                            ::core::option::Option::None,
                            1u32,
                            __kv::Codec::Json,
                        )
                        .ttl_secs(86400u64),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            __kv::cloned(&self.token)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.token = __id;
        }
        fn write_id(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(&self.token);
        }
        fn serialize_group<__S: __kv::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                _ => __kv::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: __kv::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = __groups.required(0)?;
            ::core::result::Result::Ok(Self {
                token: __id,
                user: __group0.user,
                hits: __kv::SkippedDefault::make(),
            })
        }
        fn visit_shape<__V: __kv::ShapeVisitor>(__visitor: &mut __V) {
            <__V as __kv::ShapeVisitor>::group::<
                __Read0,
            >(__visitor, 0, &[("user", "u64", &["default"])]);
        }
    }
    #[automatically_derived]
    impl __kv::Touch for Session
    where
        String: __kv::KvId,
        u64: __kv::MaybeSend + __kv::MaybeSync,
        u32: __kv::MaybeSend + __kv::MaybeSync,
    {}
};
