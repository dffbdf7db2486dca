// Shows the document that lies beside the page. A token that is typed in is
// forgotten with the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#doc",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  showExtensions: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
