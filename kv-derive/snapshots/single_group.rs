#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[derive(::kv_runtime::__private::serde::Serialize)]
    #[serde(
        remote = "Session",
        rename = "Session",
        crate = "::kv_runtime::__private::serde"
    )]
    struct __Write0 {
        #[serde(default)]
        user: u64,
    }
    #[derive(::kv_runtime::__private::serde::Deserialize)]
    #[serde(
        rename = "Session",
        crate = "::kv_runtime::__private::serde",
        expecting = "struct Session"
    )]
    struct __Read0 {
        #[serde(default)]
        user: u64,
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::KvEntity for Session
    where
        String: ::kv_runtime::__private::KvId,
        u64: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        u32: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
    {
        type Id = String;
        const SCHEMA: ::kv_runtime::__private::EntitySchema = ::kv_runtime::__private::EntitySchema::new(
                "Session",
                "session",
                &[
                    ::kv_runtime::__private::IdSchema::new(
                            "token",
                            <String as ::kv_runtime::__private::KvId>::KIND,
                        )
                        .secret(),
                ],
                &[
                    ::kv_runtime::__private::GroupSchema::new(
                            ::core::option::Option::None,
                            1u32,
                            ::kv_runtime::__private::Codec::Json,
                        )
                        .ttl_secs(86400u64),
                ],
            )
            .declared(::core::module_path!(), ::core::line!());
        fn id(&self) -> Self::Id {
            ::kv_runtime::__private::cloned(&self.token)
        }
        fn set_id(&mut self, __id: Self::Id) {
            self.token = __id;
        }
        fn write_id(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(&self.token);
        }
        fn serialize_group<__S: ::kv_runtime::__private::serde::Serializer>(
            &self,
            __group: usize,
            __serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            match __group {
                0 => <__Write0>::serialize(self, __serializer),
                _ => ::kv_runtime::__private::no_such_group(__group, __serializer),
            }
        }
        fn from_groups<__G: ::kv_runtime::__private::GroupSource>(
            __id: Self::Id,
            __groups: &mut __G,
        ) -> ::core::result::Result<Self, __G::Error> {
            let __group0: __Read0 = __groups.required(0)?;
            ::core::result::Result::Ok(Self {
                token: __id,
                user: __group0.user,
                hits: ::kv_runtime::__private::SkippedDefault::make(),
            })
        }
        fn visit_shape<__V: ::kv_runtime::__private::ShapeVisitor>(__visitor: &mut __V) {
            <__V as ::kv_runtime::__private::ShapeVisitor>::group::<
                __Read0,
            >(__visitor, 0, &[("user", "u64", &["default"])]);
        }
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::Touch for Session
    where
        String: ::kv_runtime::__private::KvId,
        u64: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
        u32: ::kv_runtime::__private::MaybeSend + ::kv_runtime::__private::MaybeSync,
    {}
};
