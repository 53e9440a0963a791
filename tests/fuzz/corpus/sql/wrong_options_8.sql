-- settings
SET sate_ttl = '1 hour';
SET unbounded = 'perhaps';
SET state_ttl = '1 hour';
SET state_ttl = '2 hours';
RESET state_ttl;
