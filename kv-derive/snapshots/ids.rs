#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[automatically_derived]
    impl __kv::KvId for UserId
    where
        u64: __kv::KvId,
    {
        const KIND: __kv::IdKind = <u64 as __kv::KvId>::KIND;
        type Ref<'__a> = <<u64 as __kv::KvId>::Passing as __kv::Passing>::Ref<
            '__a,
            Self,
        >;
        type Passing = <u64 as __kv::KvId>::Passing;
        fn pass(
            &self,
        ) -> <<u64 as __kv::KvId>::Passing as __kv::Passing>::Ref<'_, Self> {
            <<u64 as __kv::KvId>::Passing as __kv::Passing>::pass(self)
        }
        fn encode(&self, __out: &mut __kv::IdWriter<'_>) {
            <u64 as __kv::KvId>::encode(&self.0, __out);
        }
        fn decode(__segment: &str, __ordered: bool) -> ::core::option::Option<Self> {
            <u64 as __kv::KvId>::decode(__segment, __ordered).map(Self)
        }
    }
    #[automatically_derived]
    impl __kv::Lookup<UserId> for UserId
    where
        u64: __kv::KvId,
    {
        fn write(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            __kv::hash_id(self, __state);
        }
        fn names(&self, __id: &UserId) -> bool {
            __kv::same(self, __id)
        }
        fn into_id(self) -> UserId {
            self
        }
    }
    #[automatically_derived]
    impl __kv::Lookup<UserId> for &UserId
    where
        u64: __kv::KvId,
    {
        fn write(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(*self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            __kv::hash_id(*self, __state);
        }
        fn names(&self, __id: &UserId) -> bool {
            __kv::same(*self, __id)
        }
        fn into_id(self) -> UserId {
            __kv::cloned(self)
        }
    }
};
#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    use ::kv_runtime::__private as __kv;
    #[automatically_derived]
    impl __kv::KvId for Flag {
        const KIND: __kv::IdKind = __kv::IdKind::Enum(&["new-home", "beta.2"]);
        type Ref<'__a> = <__kv::ByValue as __kv::Passing>::Ref<'__a, Self>;
        type Passing = __kv::ByValue;
        fn pass(&self) -> <__kv::ByValue as __kv::Passing>::Ref<'_, Self> {
            <__kv::ByValue as __kv::Passing>::pass(self)
        }
        fn encode(&self, __out: &mut __kv::IdWriter<'_>) {
            __out
                .text(
                    match self {
                        Self::NewHome => "new-home",
                        Self::Beta => "beta.2",
                    },
                );
        }
        fn decode(__segment: &str, _: bool) -> ::core::option::Option<Self> {
            match __segment {
                "new-home" => ::core::option::Option::Some(Self::NewHome),
                "beta.2" => ::core::option::Option::Some(Self::Beta),
                _ => ::core::option::Option::None,
            }
        }
    }
    #[automatically_derived]
    impl __kv::Lookup<Flag> for Flag {
        fn write(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            __kv::hash_id(self, __state);
        }
        fn names(&self, __id: &Flag) -> bool {
            __kv::same(self, __id)
        }
        fn into_id(self) -> Flag {
            self
        }
    }
    #[automatically_derived]
    impl __kv::Lookup<Flag> for &Flag {
        fn write(&self, __key: &mut __kv::KeyBuilder) {
            __key.push(*self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            __kv::hash_id(*self, __state);
        }
        fn names(&self, __id: &Flag) -> bool {
            __kv::same(*self, __id)
        }
        fn into_id(self) -> Flag {
            __kv::cloned(self)
        }
    }
};
