-- Takes the words out of the books of a user who is erased: agents' names, models that only the user had a name for, descriptions.
-- All figures stay. At most p_limit calls and as many entries; answers how many there were, so that 0 is the end.
CREATE FUNCTION ledger_erase(p_user uuid, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  calls integer;
  entries integer;
BEGIN
  PERFORM set_config('chatsparty.ledger_erases', 'on', true);
  UPDATE metered_calls SET agent_name = NULL, model = CASE WHEN is_priced THEN model ELSE 'erased' END
  FROM (
    SELECT c.id AS worded_id, EXISTS (
        SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model) AS is_priced
    FROM metered_calls c WHERE c.user_id = p_user AND (c.agent_name IS NOT NULL OR (c.model <> 'erased' AND NOT EXISTS (
      SELECT FROM price_versions p WHERE p.provider = c.provider AND p.model = c.model)))
    LIMIT p_limit) AS worded
  WHERE id = worded_id;
  GET DIAGNOSTICS calls = ROW_COUNT;
  UPDATE ledger_entries SET description = NULL WHERE id IN (
    SELECT id FROM ledger_entries WHERE user_id = p_user AND description IS NOT NULL LIMIT p_limit);
  GET DIAGNOSTICS entries = ROW_COUNT;
  PERFORM set_config('chatsparty.ledger_erases', 'off', true);
  RETURN calls + entries;
END $$;
