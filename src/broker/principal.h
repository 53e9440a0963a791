// Principal: from the name in a client's certificate to who it is: ssl.principal.mapping.rules.
//
//   RULE:pattern/replacement/[LU], DEFAULT, …
//
// Kafka's (KIP-371): the first rule whose pattern fits the whole name gives the principal, with $1
// … for its groups, in lower (L) or upper (U) case if it says so; DEFAULT is the name as it is. A /
// within a rule is written \/. Where no rule fits, the client is refused.
// Threads: rules are only read once they are open.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_principal_rules mr_principal_rules;

//   text  NULL or "" = DEFAULT
//   errors  MR_E_OPTION quoting the rule and saying what is wrong with it
mr_code mr_principal_rules_open(const char *text, mr_principal_rules **ret, mr_cx *cx);
void mr_principal_rules_close(mr_principal_rules *rules);  // Takes NULL.
// Without "User:"; in the arena. NULL when no rule fits.
const char *mr_principal_rules_apply(const mr_principal_rules *rules, const char *name,
                                     mr_arena *arena);
