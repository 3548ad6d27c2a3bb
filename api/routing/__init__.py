"""Who answers for what: point × kind of problem → a named post and a department, most specific rule first."""
