// Session: what a connection has of TLS and SASL; for those who answer SASL's requests.

#pragma once

#include "broker/call.h"
#include "broker/sasl.h"

mr_sasl_session *mr_client_sasl(mr_client *client);
// Its principal may have changed.
void mr_client_named(mr_client *client);
