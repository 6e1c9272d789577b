// Lists the tools of every server in a file of Cursor's settings, one JSON object on stdout.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type entry struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var settings struct {
		Servers map[string]entry `json:"mcpServers"`
	}
	if err := json.Unmarshal(text, &settings); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	seen := map[string][]string{}
	for name, server := range settings.Servers {
		tools, err := toolsOf(ctx, server)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		seen[name] = tools
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

func toolsOf(ctx context.Context, server entry) ([]string, error) {
	var transport mcp.Transport = &mcp.StreamableClientTransport{Endpoint: server.URL}
	if server.Type == "sse" {
		transport = &mcp.SSEClientTransport{Endpoint: server.URL}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-sdk", Version: "1"}, nil)
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	listed, err := session.ListTools(ctx, nil)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
	}
	return names, nil
}
