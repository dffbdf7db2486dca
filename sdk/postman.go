package sdk

import (
	"encoding/json"
	"strings"
)

// postman makes a collection in the format 2.1: a folder a tag, a request an
// operation, with the contract's examples.
func postman(a contract) (map[string]string, error) {
	type object = map[string]any
	folders, order := map[string][]any{}, []string{}
	for _, o := range a.ops {
		if folders[o.tag] == nil {
			order = append(order, o.tag)
		}
		segments, variables := strings.Split(strings.TrimPrefix(o.path, "/"), "/"), []any{}
		for i, s := range segments {
			if name, ok := strings.CutPrefix(s, "{"); ok {
				name = strings.TrimSuffix(name, "}")
				segments[i] = ":" + name
				variables = append(variables, object{"key": name, "value": ""})
			}
		}
		query := []any{}
		for _, q := range o.query {
			query = append(query, object{"key": q.Name, "value": "", "description": oneLine(q.Description), "disabled": true})
		}
		headers := []any{}
		if o.keyed {
			headers = append(headers, object{"key": "Idempotency-Key", "value": "{{$guid}}"})
		}
		request := object{
			"method": o.method, "description": o.summary + "\n\n" + o.description,
			"url": object{"raw": "{{baseUrl}}/" + strings.Join(segments, "/"), "host": []string{"{{baseUrl}}"}, "path": segments, "variable": variables, "query": query},
		}
		if o.body != nil {
			headers = append(headers, object{"key": "Content-Type", "value": o.bodyType})
			if o.bodyType == "application/json" {
				text, err := json.MarshalIndent(o.example, "", "  ")
				if err != nil {
					return nil, err
				}
				request["body"] = object{"mode": "raw", "raw": string(text), "options": object{"raw": object{"language": "json"}}}
			} else {
				request["body"] = object{"mode": "file"}
			}
		}
		request["header"] = headers
		folders[o.tag] = append(folders[o.tag], object{"name": o.summary, "request": request})
	}
	items := []any{}
	for _, tag := range order {
		items = append(items, object{"name": tag, "item": folders[tag]})
	}
	text, err := json.MarshalIndent(object{
		"info": object{
			"name": "CloudMastersHub", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
			"description": "Made from the contract of the API by `make sdk`. Set baseUrl to where the hub is, and token to an access token or an API key.",
		},
		"auth":     object{"type": "bearer", "bearer": []any{object{"key": "token", "value": "{{token}}", "type": "string"}}},
		"variable": []any{object{"key": "baseUrl", "value": "http://127.0.0.1:8080"}, object{"key": "token", "value": ""}},
		"item":     items,
	}, "", "  ")
	return map[string]string{"cloudmastershub.postman_collection.json": string(text) + "\n"}, err
}
