# Two projects that anybody may read, four people, sixty issues, news, documents of a wiki, and hours.
Setting.rest_api_enabled = "1"
Setting.login_required = "0"
Setting.default_language = "en"
Setting.self_registration = "0"
Setting.host_name = "redmine.example"
role = Role.find_by(name: "Manager") || Role.givable.first
people = (0..3).map do |n|
  user = User.new(firstname: "User", lastname: "Number #{n}", mail: "user#{n}@example.com", admin: n.zero?)
  user.login = "user#{n}"
  user.password = user.password_confirmation = "secret-password"
  user.save!
  user
end
words = %w[river stone lamp window garden salt paper winter]
projects = %w[shop house].map do |name|
  project = Project.new(name: name.capitalize, identifier: name, is_public: true, description: "About a *#{name}*.")
  project.trackers = Tracker.all
  project.enabled_module_names = %w[issue_tracking time_tracking news documents files wiki boards calendar gantt]
  project.save!
  people.each { |user| Member.create!(project: project, principal: user, roles: [role]) }
  project
end
statuses = IssueStatus.all.to_a
priorities = IssuePriority.all.to_a
(1..60).each do |n|
  issue = Issue.new(
    project: projects[n % 2], tracker: Tracker.all.to_a[n % 3], author: people[n % 4], status: statuses[n % 3],
    priority: priorities[n % priorities.size], subject: "The #{words[n % 8]} and the #{words[n * 3 % 8]} #{n}",
    description: "h2. #{words[n % 8]}\n\n* one\n* two\n\n|a|b|\n|1|#{n}|\n\n<pre><code class=\"ruby\">puts #{n}</code></pre>",
    assigned_to: people[n % 3], due_date: Date.new(2024, 1 + n % 12, 1 + n % 28), start_date: Date.new(2023, 1 + n % 12, 1),
    estimated_hours: n % 5, done_ratio: n % 10 * 10
  )
  issue.save!
  next unless (n % 4).zero?
  issue.reload
  issue.init_journal(people[n % 4], "A note on #{words[n % 8]}")
  issue.done_ratio = 50
  issue.save!
  TimeEntry.create!(project: issue.project, issue: issue, user: people[n % 4], author: people[n % 4], hours: n / 4.0,
                    spent_on: Date.new(2024, 1 + n % 12, 3), activity: TimeEntryActivity.first, comments: "Work on #{n}")
end
(1..6).each do |n|
  News.create!(project: projects[n % 2], author: people[n % 4], title: "News #{n}", summary: "In short", description: "At *length* #{n}.")
end
projects.each do |project|
  wiki = project.wiki || Wiki.create!(project: project, start_page: "Wiki")
  %w[Wiki Rules].each do |title|
    page = WikiPage.new(wiki: wiki, title: title)
    page.content = WikiContent.new(page: page, author: people[0], text: "h1. #{title}\n\n{{toc}}\n\nh2. First\n\nText with a [[Rules]] link and a table.")
    page.save!
  end
  Version.create!(project: project, name: "1.0", effective_date: Date.new(2024, 6, 1))
  board = Board.create!(project: project, name: "Talk", description: "Of all kinds")
  Message.create!(board: board, author: people[1], subject: "Hello", content: "First words")
end
