#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[automatically_derived]
    impl ::kv_runtime::__private::KvId for UserId
    where
        u64: ::kv_runtime::__private::KvId,
    {
        const KIND: ::kv_runtime::__private::IdKind = <u64 as ::kv_runtime::__private::KvId>::KIND;
        type Ref<'__a> = <<u64 as ::kv_runtime::__private::KvId>::Passing as ::kv_runtime::__private::Passing>::Ref<
            '__a,
            Self,
        >;
        type Passing = <u64 as ::kv_runtime::__private::KvId>::Passing;
        fn pass(
            &self,
        ) -> <<u64 as ::kv_runtime::__private::KvId>::Passing as ::kv_runtime::__private::Passing>::Ref<
            '_,
            Self,
        > {
            <<u64 as ::kv_runtime::__private::KvId>::Passing as ::kv_runtime::__private::Passing>::pass(
                self,
            )
        }
        fn encode(&self, __out: &mut ::kv_runtime::__private::IdWriter<'_>) {
            <u64 as ::kv_runtime::__private::KvId>::encode(&self.0, __out);
        }
        fn decode(__segment: &str, __ordered: bool) -> ::core::option::Option<Self> {
            <u64 as ::kv_runtime::__private::KvId>::decode(__segment, __ordered)
                .map(Self)
        }
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::Lookup<UserId> for UserId
    where
        u64: ::kv_runtime::__private::KvId,
    {
        fn write(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            ::kv_runtime::__private::hash_id(self, __state);
        }
        fn names(&self, __id: &UserId) -> bool {
            ::kv_runtime::__private::same(self, __id)
        }
        fn into_id(self) -> UserId {
            self
        }
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::Lookup<UserId> for &UserId
    where
        u64: ::kv_runtime::__private::KvId,
    {
        fn write(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(*self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            ::kv_runtime::__private::hash_id(*self, __state);
        }
        fn names(&self, __id: &UserId) -> bool {
            ::kv_runtime::__private::same(*self, __id)
        }
        fn into_id(self) -> UserId {
            ::kv_runtime::__private::cloned(self)
        }
    }
};
#[doc(hidden)]
#[allow(unused_qualifications, clippy::absolute_paths)]
const _: () = {
    #[automatically_derived]
    impl ::kv_runtime::__private::KvId for Flag {
        const KIND: ::kv_runtime::__private::IdKind = ::kv_runtime::__private::IdKind::Enum(
            &["new-home", "beta.2"],
        );
        type Ref<'__a> = <::kv_runtime::__private::ByValue as ::kv_runtime::__private::Passing>::Ref<
            '__a,
            Self,
        >;
        type Passing = ::kv_runtime::__private::ByValue;
        fn pass(
            &self,
        ) -> <::kv_runtime::__private::ByValue as ::kv_runtime::__private::Passing>::Ref<
            '_,
            Self,
        > {
            <::kv_runtime::__private::ByValue as ::kv_runtime::__private::Passing>::pass(
                self,
            )
        }
        fn encode(&self, __out: &mut ::kv_runtime::__private::IdWriter<'_>) {
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
    impl ::kv_runtime::__private::Lookup<Flag> for Flag {
        fn write(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            ::kv_runtime::__private::hash_id(self, __state);
        }
        fn names(&self, __id: &Flag) -> bool {
            ::kv_runtime::__private::same(self, __id)
        }
        fn into_id(self) -> Flag {
            self
        }
    }
    #[automatically_derived]
    impl ::kv_runtime::__private::Lookup<Flag> for &Flag {
        fn write(&self, __key: &mut ::kv_runtime::__private::KeyBuilder) {
            __key.push(*self);
        }
        fn hash_id<__H: ::core::hash::Hasher>(&self, __state: &mut __H) {
            ::kv_runtime::__private::hash_id(*self, __state);
        }
        fn names(&self, __id: &Flag) -> bool {
            ::kv_runtime::__private::same(*self, __id)
        }
        fn into_id(self) -> Flag {
            ::kv_runtime::__private::cloned(self)
        }
    }
};
