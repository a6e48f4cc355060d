// What is allowed to differ from html-validate's advice, and why. axe looks at names and landmarks too.
export default {
  extends: ["html-validate:recommended"],
  rules: {
    // Of the theme's templates:
    "attribute-allowed-values": "off", // tabindex=""
    "attribute-misuse": "off", // rel="edit"
    "doctype-style": "off",
    "no-trailing-whitespace": "off",
    "unique-landmark": "off", // the table of contents, once for each width
    "valid-autocomplete": "off", // on its checkboxes
    "wcag/h30": "off", // the buttons "edit" and "view" are named by their titles
    "wcag/h32": "off", // the search searches while one types
    // Ours:
    "no-redundant-role": "off", // styles that stack a table's cells take the roles away: they are spelled out
    "valid-id": ["error", { relaxed: true }], // keys of an environ, such as wsgi.input, are ids
  },
};
